package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hozen/collector"
	"hozen/collector/volatile"
	"hozen/packager"
)

// app is one run of the command: where it writes, in which language, and what
// tests put in the place of the machine and the disk.
type app struct {
	args   []string // the program's name first
	stdout io.Writer
	stderr io.Writer
	env    func(string) string
	lang   language
	// outTerminal and errTerminal say that people look at what is written there.
	outTerminal, errTerminal bool
	width                    func() int // columns of the terminal behind stderr

	tool       func() string // version and hash of this program
	now        func() time.Time
	cgo        func() bool // whether this program loads libraries of the machine
	random     io.Reader   // what keys are made of; nil is the system's source
	disk       func(dir string) packager.Disk
	host       func(root string) *collector.Host
	collectors func(request) []collector.Collector
}

func newApp(args []string) *app {
	return &app{
		args: args, stdout: os.Stdout, stderr: os.Stderr, env: os.Getenv,
		lang:        chooseLanguage(args[1:], os.Getenv),
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		errTerminal: term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb",
		width:       terminalWidth,
		tool:        sync.OnceValue(toolName),
		now:         time.Now,
		cgo:         builtWithCgo,
		disk:        func(dir string) packager.Disk { return packager.Dir(dir) },
		host:        hostAt,
		collectors:  collectors,
	}
}

func terminalWidth() int {
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && w > 0 {
		return w
	}
	return 80
}

// hostAt is the machine that we run on, or the one whose files are below root.
func hostAt(root string) *collector.Host {
	h := collector.ThisHost()
	if root != "" && root != "/" {
		h.Root, h.Live = root, false
		return h
	}
	h.Avoid = volatile.MountsThatMayHang(h)
	return h
}

// identity is of the machine that we run on.
func (a *app) identity() volatile.Identity { return volatile.ReadIdentity(a.host("/")) }

// text gives a message in the language of this run. Strings among the arguments
// that come from a host must have gone through escape.
func (a *app) text(m message, args ...any) string { return a.lang.text(m, args...) }

// run runs the command line and gives the exit code.
func (a *app) run(ctx context.Context) int {
	root := a.root()
	root.SetArgs(a.args[1:])
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	a.report(err, root)
	return codeOf(err)
}

// report prints the error of a command and what to do about it.
func (a *app) report(err error, root *cobra.Command) {
	var e *exitError
	if err == nil || errors.As(err, &e) && e.err == nil || errors.Is(err, syscall.EPIPE) {
		return // no error, everything was said, or nobody listens
	}
	fmt.Fprintln(a.stderr, a.text(mError, escape(err.Error())))
	hint := a.text(mHintHelp)
	if e != nil {
		hint = e.hint
	} else if c, _, findErr := root.Find(a.args[1:]); findErr == nil && c != root {
		hint = a.text(mHintCommandHelp, c.CommandPath())
	}
	if hint != "" {
		fmt.Fprintln(a.stderr, a.text(mHint, hint))
	}
}

// root is the table of commands.
func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use: "hozen", Short: a.text(mShortRoot), Long: a.text(mLongRoot), Version: version,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().String("lang", "", a.text(mFlagLang))
	c.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if l, _ := c.Flags().GetString("lang"); l != "" && l != "en" && l != "ja" {
			return usage(fmt.Errorf("--lang %q: not one of en, ja", l), "")
		}
		return nil
	}
	c.PersistentFlags().BoolP("help", "h", false, a.text(mFlagHelp))
	c.SetUsageTemplate(a.usageTemplate(c.UsageTemplate()))
	c.SetHelpCommand(&cobra.Command{
		Use: "help [command]", Short: a.text(mFlagHelp),
		RunE: func(_ *cobra.Command, args []string) error {
			about, rest, err := c.Find(args)
			if err != nil || len(rest) > 0 {
				return fmt.Errorf("help: no command %q", strings.Join(args, " "))
			}
			return about.Help()
		},
	})
	c.AddCommand(a.commands()...)
	c.InitDefaultVersionFlag()
	c.Flags().Lookup("version").Usage = a.text(mShortVersion)
	c.InitDefaultCompletionCmd()
	for _, sub := range c.Commands() {
		if sub.Name() == "completion" {
			sub.Short = a.text(mShortCompletion)
		}
	}
	return c
}

// usageTemplate puts the headings of a help text into the language of the run.
func (a *app) usageTemplate(template string) string {
	if a.lang == english {
		return template
	}
	return strings.NewReplacer("Usage:", "使い方:", "Aliases:", "別名:", "Examples:", "例:", "Available Commands:", "コマンド:",
		"Additional Commands:", "ほかのコマンド:", "Global Flags:", "共通の指定:", "Flags:", "指定:", "[flags]", "[指定]",
		`Use "{{.CommandPath}} [command] --help" for more information about a command.`,
		"`{{.CommandPath}} [command] --help` で各コマンドの説明を表示します。").Replace(template)
}

// wantArgs checks how many arguments a command has, and says which it wants.
func wantArgs(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return fmt.Errorf("want: %s", c.UseLine())
		}
		return nil
	}
}

// noArgs refuses arguments to a command that has none.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no argument: %q", c.CommandPath(), args[0])
	}
	return nil
}

// commands lists the commands in the order of the help.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.collectCommand(),
		a.verifyCommand(),
		a.showCommand(),
		a.extractCommand(),
		a.recoverCommand(),
		a.keyCommand(),
		a.doctorCommand(),
		a.definitionsCommand(),
		a.versionCommand(),
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: a.text(mShortVersion), Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, a.tool())
			return err
		},
	}
}

// signed gives the command line as the archive keeps it.
func (a *app) signed() []string {
	out := make([]string, len(a.args))
	for i, s := range a.args {
		out[i] = strings.ToValidUTF8(s, "\uFFFD")
	}
	return out
}
