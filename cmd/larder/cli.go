package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"larder/internal/config"
)

// cli is the command line.
type cli struct {
	Serve       serveCommand       `cmd:"" help:"Run the gateway."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the gateway that is configured here whether it is ready."`
	Version     versionCommand     `cmd:"" help:"Say which larder this is."`
	Config      configCommand      `cmd:"" help:"Show every setting, its value and where that came from."`
	Migrate     migrateCommand     `cmd:"" help:"Look after the schema of a PostgreSQL primary."`
	Routes      routesCommand      `cmd:"" help:"Say which tables are stored how, and change it."`
	Backends    backendsCommand    `cmd:"" help:"Say how the backends are, and add, drain, disable and remove them."`
	Promote     promoteCommand     `cmd:"" help:"Put a backend in the place of its primary, which is gone."`
	Compare     compareCommand     `cmd:"" help:"Compare a backend whose place was taken with the one that has it, and use it again."`
	Copy        copyCommand        `cmd:"" help:"Copy tables to another backend while they are used."`

	Get    getCommand    `cmd:"" help:"Write a value to standard output."`
	Put    putCommand    `cmd:"" help:"Put a value."`
	Delete deleteCommand `cmd:"" help:"Delete a key."`
	List   listCommand   `cmd:"" help:"List the keys of a table."`
	Query  queryCommand  `cmd:"" help:"Find entries by what they hold."`
	Import importCommand `cmd:"" help:"Put the entries of a file of JSON lines."`
	Export exportCommand `cmd:"" help:"Write entries as JSON lines."`
}

// The exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// usageError is the fault of whoever typed the command.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// interruptedError is a command that was told to end, and how to go on.
type interruptedError struct{ then string }

func (e interruptedError) Error() string { return "interrupted" + e.then }

// toGoOn adds to an error what to do next.
func toGoOn(err error, then string) error {
	if errors.Is(err, context.Canceled) {
		return interruptedError{"; " + then}
	}
	return fmt.Errorf("%w; %s", err, then)
}

func usage(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// run does what the arguments say and gives the exit code. The first SIGINT or
// SIGTERM asks the command to end, a second one ends it at once.
func run(args []string, s streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	if len(args) == 0 {
		args = []string{"--help"}
	}
	var c cli
	parser, err := kong.New(
		&c,
		kong.Name("larder"),
		kong.Description("A gateway that keeps JSON values under keys, and a small client of it."),
		kong.Writers(s.out, s.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		return report(ctx, s, err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return report(ctx, s, usage("%v; see larder --help", err))
	}
	return report(ctx, s, parsed.Run())
}

// report tells an error, a line for each thing that is wrong.
func report(ctx context.Context, s streams, err error) int {
	if err == nil {
		return 0
	}
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		for _, line := range wrong.Lines() {
			s.complain(line)
		}
		return exitUsage
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = interruptedError{}
	}
	s.complain(err.Error())
	if _, ok := errors.AsType[interruptedError](err); ok {
		return exitInterrupted
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}
