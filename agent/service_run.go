package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"hozen/packager/evidence/fault"
	"hozen/packager/private"
	"hozen/service/config"
	"hozen/service/durable"
	"hozen/service/install"
	"hozen/service/outbox"
	"hozen/service/policy"
	"hozen/service/shutdown"
)

func (a *app) serviceRunCommand() *cobra.Command {
	var file string
	var scm bool
	c := &cobra.Command{
		Use: "run", Short: a.text(mShortServiceRun), Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if scm {
				return a.underSCM(c.Context(), install.Unit, file, a.residentUnderSCM(file))
			}
			// Its log goes to stderr, where a service manager picks it up.
			return a.runResident(c.Context(), file, slog.New(slog.NewTextHandler(a.stderr, nil)))
		},
	}
	a.configFlag(c, &file)
	a.scmFlag(c, &scm)
	return c
}

// runResident is the resident agent.
func (a *app) runResident(ctx context.Context, file string, log *slog.Logger) error {
	c, err := config.Load(file)
	if err != nil {
		return a.configFailed(err, a.text(mHintServiceCheck))
	}
	r, err := a.newResident(c, log)
	if errors.Is(err, durable.ErrInUse) {
		return fail(err, a.text(mHintLedgerInUse))
	}
	if err != nil {
		return fail(err, a.text(mHintServiceCheck))
	}
	if err := r.run(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, shutdown.ErrSwitchedOff) {
		return fail(err, "")
	}
	return nil
}

func (a *app) serviceCollectCommand() *cobra.Command {
	var file string
	var scm bool
	c := &cobra.Command{
		Use: "collect CASE", Short: a.text(mShortServiceCollect), Args: func(c *cobra.Command, args []string) error {
			if scm { // the case comes from the service manager
				return noArgs(c, args)
			}
			return wantArgs(1, 1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if scm {
				return a.underSCM(c.Context(), install.CollectUnit, file, a.collectUnderSCM(file))
			}
			return a.serviceCollect(c.Context(), file, install.CaseOf(args[0]))
		},
	}
	a.configFlag(c, &file)
	a.scmFlag(c, &scm)
	return c
}

// serviceCollect is a collection that somebody starts on this machine through the service
// manager: with the installed key, into the outbox, from where the service delivers it.
func (a *app) serviceCollect(ctx context.Context, file, caseNo string) error {
	c, err := config.Load(file)
	if err != nil {
		return a.configFailed(err, a.text(mHintServiceCheck))
	}
	if policy.Vetoed(c.Veto) {
		return fail(errors.New(a.text(mVetoed, escape(c.Veto))), a.text(mHintVeto))
	}
	box := c.In(config.OutboxDir)
	if err := fault.Join(private.MkdirAll(box, private.Mine), outbox.Room(box, c.Outbox.MaxSize)); err != nil {
		return fail(err, "")
	}
	o := collectOptions{
		out: box, root: "/", profile: c.Profile, key: c.In(config.DeviceKey), caseNo: caseNo,
		reason: fmt.Sprintf("started on this machine for case %s", caseNo),
	}
	o.asConfigured(c)
	return a.collect(ctx, o)
}
