package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"hozen/packager/evidence/fault"
	"hozen/service/install"
	"hozen/service/shutdown"
)

// scmFlag is how Windows' service manager starts us: it is in no help.
func (a *app) scmFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "scm", false, a.text(mFlagSCM))
	c.Flags().Lookup("scm").Hidden = true
}

// underSCM runs a service of Windows. Its start arguments are whoever's who may start it: what
// is not understood is refused, and said in the event log, where all else is said, too. do
// gets the case that they name, or "".
func (a *app) underSCM(ctx context.Context, name, file string, do func(ctx context.Context, caseNo string, log *slog.Logger) error) error {
	events := install.Events(name)
	defer events.Close()
	a.stderr, a.stdout, a.errTerminal, a.outTerminal = events, events, false, false
	log := slog.New(slog.NewTextHandler(events, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	err := install.Serve(ctx, name, func(ctx context.Context, args []string) uint32 {
		caseNo, err := install.TriggerOf(name, args)
		if err == nil {
			err = install.RunsSafely(file)
		}
		if err != nil {
			log.Error("refused", "service", name, "arguments", args, "error", err)
			return exitUsage
		}
		log.Info("started", "service", name, "case", caseNo)
		err = do(ctx, caseNo, log)
		switch code := codeOf(err); code {
		case exitWhole:
			log.Info("ended", "service", name, "case", caseNo)
			return exitWhole
		case exitShort:
			log.Warn("ended: sealed, but something that was planned could not be read", "service", name, "case", caseNo)
			return exitWhole
		default:
			log.Error("ended", "service", name, "case", caseNo, "exit", code, "error", err)
			return uint32(code)
		}
	})
	if err != nil {
		return fail(err, "")
	}
	return nil
}

// withoutTime leaves out the time, which the event log has.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// residentUnderSCM is the resident agent. A case in its start arguments is passed on to the
// service that takes one collection: it runs beside this one, and ends.
func (a *app) residentUnderSCM(file string) func(context.Context, string, *slog.Logger) error {
	return func(ctx context.Context, caseNo string, log *slog.Logger) error {
		if caseNo != "" {
			if err := install.Collect(ctx, caseNo); err != nil {
				log.Error("refused", "case", caseNo, "error", err)
			}
		}
		return a.runResident(ctx, file, log)
	}
}

// collectUnderSCM takes one collection. Its lines go into a file beside the configuration, the
// last one into the event log.
func (a *app) collectUnderSCM(file string) func(context.Context, string, *slog.Logger) error {
	return func(ctx context.Context, caseNo string, _ *slog.Logger) error {
		to, err := install.Progress(install.CollectUnit)
		if err != nil {
			return fail(err, "")
		}
		said := a.stdout
		a.stderr, a.stdout = to, io.MultiWriter(to, said)
		defer func() { a.stderr, a.stdout = said, said }()
		err = a.serviceCollect(ctx, file, caseNo)
		if errors.Is(context.Cause(ctx), shutdown.ErrSwitchedOff) {
			fmt.Fprintln(a.stdout, "level=WARN", shutdown.ErrSwitchedOff)
		}
		return fault.Join(err, to.Close())
	}
}
