package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// checkCompose loads compose.yaml as Compose would, with no variable set, and
// joins what the project's rules have against its services.
func checkCompose(ctx context.Context, dir string, data []byte) error {
	project, err := loader.LoadWithContext(ctx, types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: data}},
		Environment: types.Mapping{},
	})
	if err != nil {
		return fmt.Errorf("compose.yaml: %w", err)
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(project.Services)) {
		for _, err := range checkService(project.Services[name]) {
			faults = append(faults, fmt.Errorf("compose.yaml: %s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

func checkService(s types.ServiceConfig) []error {
	var faults []error
	must := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New(fault))
		}
	}
	if err := checkImage(s.Image); err != nil {
		faults = append(faults, err)
	}
	must(s.HealthCheck != nil && !s.HealthCheck.Disable, "no healthcheck")
	must(s.ReadOnly, "read_only is not set")
	must(!s.Privileged, "privileged is set")
	must(slices.Contains(s.CapDrop, "ALL"), "cap_drop has no ALL")
	must(slices.Contains(s.SecurityOpt, "no-new-privileges:true"), "security_opt has no no-new-privileges:true")
	for _, p := range s.Ports {
		must(p.HostIP == "127.0.0.1", fmt.Sprintf("port %d is published on %q, not on 127.0.0.1", p.Target, p.HostIP))
	}
	for name, d := range s.DependsOn {
		must(d.Condition == types.ServiceConditionHealthy, "does not wait until "+name+" is healthy")
	}
	return faults
}
