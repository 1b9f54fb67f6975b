package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const file = "Dockerfile"

// checkDockerfile joins what BuildKit's linter and the project's rules have
// against the Dockerfile.
func checkDockerfile(ctx context.Context, data []byte) error {
	source := llb.NewSourceMap(nil, file, file, data)
	source.Definition = &llb.Definition{} // the linter dereferences it
	results, err := dockerfile2llb.DockerfileLint(ctx, data, dockerfile2llb.ConvertOpt{
		MetaResolver: offline{},
		SourceMap:    source,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var faults []error
	for _, w := range results.Warnings {
		faults = append(faults, fmt.Errorf("%s:%d: %s: %s", file, line(w.Location), w.RuleName, w.Detail))
	}
	if e := results.Error; e != nil {
		return errors.Join(append(faults, fmt.Errorf("%s:%d: %s", file, line(&e.Location), e.Message))...)
	}
	return errors.Join(append(faults, checkStages(data))...)
}

// checkStages applies the project's rules.
func checkStages(data []byte) error {
	parsed, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var faults []error
	from := func(image string, at []parser.Range) {
		built := func(s instructions.Stage) bool { return s.Name == image }
		if image == "" || image == "scratch" || slices.ContainsFunc(stages, built) {
			return
		}
		if err := checkImage(image); err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, at[0].Start.Line, err))
		}
	}
	for _, s := range stages {
		from(s.BaseName, s.Location)
		for _, c := range s.Commands {
			if c, ok := c.(*instructions.CopyCommand); ok {
				from(c.From, c.Location())
			}
		}
	}

	var user string
	var health *instructions.HealthCheckCommand
	for _, c := range stages[len(stages)-1].Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.HealthCheckCommand:
			health = c
		}
	}
	if name, _, _ := strings.Cut(user, ":"); name == "" || name == "root" || name == "0" {
		faults = append(faults, fmt.Errorf("%s: the image runs as %q: name a USER other than root", file, user))
	}
	if health == nil || len(health.Health.Test) == 0 || health.Health.Test[0] != "CMD" {
		faults = append(faults, fmt.Errorf("%s: no HEALTHCHECK that runs without a shell", file))
	}
	return errors.Join(faults...)
}

// checkImage wants a tag that says what is meant.
func checkImage(name string) error {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return fmt.Errorf("image %q: %w", name, err)
	}
	if tagged, ok := ref.(reference.Tagged); !ok || tagged.Tag() == "latest" {
		return fmt.Errorf("image %q has no tag, or latest", name)
	}
	return nil
}

func line(l *pb.Location) int32 {
	if l == nil || len(l.Ranges) == 0 {
		return 0
	}
	return l.Ranges[0].Start.Line
}

// offline stands in for the registry: of an image it knows only that it has
// the platform asked for.
type offline struct{}

var _ llb.ImageMetaResolver = offline{}

func (offline) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	image := ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"}}
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		image.Platform = *opt.ImageOpt.Platform
	}
	config, err := json.Marshal(image)
	return ref, "", config, err
}
