package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hozen/collector"
	"hozen/collector/volatile"
	"hozen/collector/volume"
	"hozen/packager"
	"hozen/packager/ja"
)

// app is one run of the command: where it writes, in which language, and what
// tests put in the place of the machine and the disk.
type app struct {
	args   []string // the program's name first
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    func(string) string
	lang   language
	words  func() *ja.Table // the Japanese of what packager says
	// inTerminal says that somebody can answer; outTerminal and errTerminal, that people
	// look at what is written there.
	inTerminal, outTerminal, errTerminal bool
	in                                   *lineReader // of stdin: one for all that is asked
	alone                                func() bool // whether the console was made for us
	system                               string      // GOOS
	width                                func() int  // columns of the terminal behind stderr
	blocks                               func() bool // whether that shows block elements, one in a column

	tool       func() string // version and hash of this program
	now        func() time.Time
	cgo        func() bool // whether this program loads libraries of the machine
	random     io.Reader   // what keys are made of; nil is the system's source
	disk       func(dir string) packager.Disk
	host       func(root string) *collector.Host
	collectors func(request) []collector.Collector
	passphrase func(prompt string) ([]byte, error)
	stop       <-chan struct{}               // closed when somebody wants this run to end; nil: nobody can
	begun      *atomic.Bool                  // whether a collection writes: what it took stays behind
	places     func(context.Context) []drive // that can be written to; nil looks at this machine
}

func newApp(args []string) *app {
	a := &app{
		args: args, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Getenv,
		lang:        chooseLanguage(args[1:], os.Getenv, systemLanguage),
		words:       sync.OnceValue(ja.New),
		inTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		errTerminal: term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb",
		in:          newLineReader(os.Stdin),
		alone:       ownConsole,
		system:      runtime.GOOS,
		width:       terminalWidth,
		blocks:      showsBlocks,
		tool:        sync.OnceValue(toolName),
		now:         time.Now,
		cgo:         builtWithCgo,
		disk:        func(dir string) packager.Disk { return packager.Dir(dir) },
		host:        hostAt,
		collectors:  collectors,
	}
	a.begun, a.passphrase = new(atomic.Bool), a.askPassphrase
	return a
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
		h.Root, h.Live, h.Drives, h.Avoid = root, false, nil, nil
		return h
	}
	if h.Drives != nil {
		h.Raw = volume.NewRaw(h).Files
	}
	h.Avoid = append(h.Avoid, volatile.MountsThatMayHang(h)...)
	return h
}

// identity is of the machine that we run on.
func (a *app) identity() volatile.Identity { return volatile.ReadIdentity(a.host("/")) }

// text gives a message in the language of this run. Strings among the arguments
// that come from a host must have gone through escape.
//
//go:noinline
func (a *app) text(m message, args ...any) string {
	if a.system == "windows" {
		m = onWindows(m)
	}
	return a.lang.text(m, args...)
}

// run runs the command line and gives the exit code.
func (a *app) run(ctx context.Context) int {
	a.stop = ctx.Done()
	if a.clicked() {
		return a.dialogue(ctx)
	}
	return a.command(ctx, a.args[1:])
}

func (a *app) command(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	a.report(err, root, args)
	return codeOf(err)
}

// report prints the error of a command and what to do about it.
func (a *app) report(err error, root *cobra.Command, args []string) {
	var e *exitError
	if err == nil || errors.As(err, &e) && e.err == nil || a.nobodyReads(err) {
		return // no error, everything was said, or nobody listens
	}
	if errors.Is(err, errInterrupted) {
		fmt.Fprintln(a.stderr, a.text(mUnsigned))
		return
	}
	fmt.Fprintln(a.stderr, a.text(mError, a.why(err)))
	hint := a.text(mHintHelp)
	if e != nil {
		hint = e.hint
	} else if c, _, findErr := root.Find(args); findErr == nil && c != root {
		hint = a.text(mHintCommandHelp, c.CommandPath())
	}
	if a.othersHave(err) {
		hint = a.text(mHintOthersHave)
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
	c.SetUsageFunc(a.usageFunc())
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
			for _, shell := range sub.Commands() {
				shell.Short = shell.Name() + ": " + sub.Short
			}
		}
	}
	if a.system == "windows" {
		examplesOnWindows(c)
	}
	return c
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
		a.nowCommand(),
		a.collectCommand(),
		a.verifyCommand(),
		a.showCommand(),
		a.extractCommand(),
		a.exportCommand(),
		a.recoverCommand(),
		a.reportCommand(),
		a.custodyCommand(),
		a.deliverCommand(),
		a.keyCommand(),
		a.jobCommand(),
		a.serviceCommand(),
		a.doctorCommand(),
		a.isolateCommand(),
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
