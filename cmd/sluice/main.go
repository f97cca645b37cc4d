// Command sluice is the live-streaming server and its tools.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/ffmpeg"
)

// version is set by the linker from git describe.
var version = "devel"

// cli is the whole command line. Every flag can also be set by its environment
// variable or in the configuration file.
type cli struct {
	Config kong.ConfigFlag `help:"Read flags from this YAML file." placeholder:"FILE" type:"path" env:"SLUICE_CONFIG"`
	Log    logFlags        `embed:"" prefix:"log-"`

	Serve    serveCmd    `cmd:"" help:"Run the server."`
	Key      keyCmd      `cmd:"" help:"Make, list and revoke application keys, and change the secret of event keys."`
	Backup   backupCmd   `cmd:"" help:"Copy the database into a file, also while the server runs."`
	Publish  publishCmd  `cmd:"" help:"Publish a file, or a test picture with a clock, without a browser."`
	Loadtest loadtestCmd `cmd:"" help:"Watch a live stream as many viewers at once, and report what they saw."`
	Doctor   doctorCmd   `cmd:"" help:"Look for what would keep the server from working, and say what to do."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

type logFlags struct {
	Format string `help:"Form of the log: text or json." enum:"text,json" default:"text" env:"SLUICE_LOG_FORMAT"`
	Level  string `help:"Least level that is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"SLUICE_LOG_LEVEL"`
}

// logger writes to standard error, so that standard output stays for answers.
func (f logFlags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.Level)) // one of the enum
	options := &slog.HandlerOptions{Level: level}
	if f.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

func main() {
	if status, asked := ffmpeg.RunConfined(os.Args, os.Environ()); asked {
		os.Exit(status)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with everything it touches as an argument. It returns the exit
// status: 0, 1 for a failure, 2 for a command line that cannot be read.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	status := -1
	parser, err := kong.New(&c,
		kong.Name("sluice"),
		kong.Description("Self-hosted live streaming: browser in, HLS and DASH out."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { status = code }),
		kong.Configuration(configuration, "/etc/sluice/sluice.yml"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		terminal{stderr}.printf("sluice: %v\n", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help has answered
		return status
	}
	if err != nil {
		terminal{stderr}.printf("sluice: %v\ntry: sluice --help\n", err)
		return 2
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.Bind(c.Log.logger(stderr), terminal{stdout})
	if err := parsed.Run(); err != nil {
		terminal{stderr}.printf("sluice: %s\n", explain(err))
		return 1
	}
	return 0
}

// explain is an error for the person at the terminal: for one of ours its message,
// and the cause, which here is hers to know.
func explain(err error) string {
	e, ours := errors.AsType[*sluice.Error](err)
	switch {
	case !ours:
		return err.Error()
	case e.Err != nil:
		return fmt.Sprintf("%s (%v)", e.Message, e.Err)
	default:
		return e.Message
	}
}

// terminal is where a command writes its answer.
type terminal struct{ io.Writer }

func (t terminal) printf(format string, args ...any) { _, _ = fmt.Fprintf(t, format, args...) }

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(out terminal) error {
	out.printf("sluice %s\n", version)
	return nil
}
