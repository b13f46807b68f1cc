package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/service/config"
	"hozen/service/install"
	"hozen/service/policy"
	"hozen/service/remote"
)

// serviceOptions are the flags of the service's commands.
type serviceOptions struct {
	config, root, manager string
	device, trust, enrol  string
	dryRun, noStart       bool
}

func (a *app) serviceCommand() *cobra.Command {
	c := &cobra.Command{Use: "service", Short: a.text(mShortService), Long: a.text(mLongService), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.serviceInstallCommand(), a.serviceUninstallCommand(), a.serviceEnrolCommand(), a.servicePinCommand(), a.serviceCheckCommand(), a.serviceStatusCommand(), a.serviceRunCommand(), a.serviceCollectCommand(), a.serviceAuditCommand(), a.serviceRepairClockCommand())
	for verb, short := range map[string]string{install.Start: a.text(mShortStart), install.Stop: a.text(mShortStop), install.Restart: a.text(mShortRestart)} {
		c.AddCommand(&cobra.Command{Use: verb, Short: short, Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
			if err := install.Control(c.Context(), verb); err != nil {
				return a.managerFailed(err, verb)
			}
			if err := a.serviceStatus(c.Context(), false); verb != install.Stop || codeOf(err) != exitNotSealed {
				return err
			}
			return nil // it does not run, as was asked
		}})
	}
	return c
}

func (a *app) configFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "config", config.DefaultFile(), a.text(mFlagConfig))
}

func (a *app) serviceInstallCommand() *cobra.Command {
	var o serviceOptions
	c := &cobra.Command{Use: "install", Short: a.text(mShortInstall), Long: a.text(mLongInstall), Args: noArgs,
		Example: "  hozen service install\n  hozen service install --trust operators --enrol @token",
		RunE:    func(c *cobra.Command, _ []string) error { return a.serviceInstall(c.Context(), o) }}
	f := c.Flags()
	f.SortFlags = false
	a.configFlag(c, &o.config)
	f.StringVar(&o.device, "device", "", a.text(mFlagDevice))
	f.StringVar(&o.trust, "trust", "", a.text(mFlagOperators))
	f.StringVar(&o.enrol, "enrol", "", a.text(mFlagEnrol))
	f.StringVar(&o.root, "root", "", a.text(mFlagInstallRoot))
	f.StringVar(&o.manager, "manager", "", a.text(mFlagManager))
	f.BoolVar(&o.noStart, "no-start", false, a.text(mFlagNoStart))
	f.BoolVar(&o.dryRun, "dry-run", false, a.text(mFlagInstallDryRun))
	return c
}

func (a *app) installOptions(o serviceOptions) install.Options {
	return install.Options{Root: o.root, Manager: o.manager, Config: o.config, Device: o.device, Host: string(a.identity().HostName),
		Trust: o.trust, Random: a.random, Start: !o.noStart}
}

func (a *app) serviceInstall(ctx context.Context, o serviceOptions) error {
	in := a.installOptions(o)
	if o.dryRun {
		return a.installFiles(in)
	}
	if o.enrol != "" {
		var err error
		if o.enrol, err = a.token(o.enrol); err != nil {
			return err
		}
	}
	// Enrolled before it starts, the service begins with its hub.
	start := in.Start
	in.Start = start && o.enrol == ""
	done, err := install.Install(ctx, in)
	a.printSteps(done)
	if err != nil {
		return a.configFailed(err, a.text(mHintInstall))
	}
	fmt.Fprintf(a.stdout, "%s %s\n%s %s\n", pad(a.text(mDevice), 12), escape(done.Device), pad(a.text(mFingerprint), 12), done.Fingerprint)
	if o.enrol != "" {
		if err := a.enrolDevice(ctx, in, done.Config, o.enrol, false); err != nil {
			return err
		}
		if start && o.root == "" {
			if err := install.Control(ctx, install.Restart); err != nil {
				return a.managerFailed(err, install.Restart)
			}
		}
	}
	return a.printNext(ctx, in, done)
}

// installFiles prints what would be written for the service manager.
func (a *app) installFiles(in install.Options) error {
	files, err := install.Preview(in)
	if err != nil {
		return a.configFailed(err, a.text(mHintInstall))
	}
	for _, f := range files {
		if f.Link != "" {
			fmt.Fprintf(a.stdout, "### %s -> %s\n\n", f.Path, f.Link)
			continue
		}
		fmt.Fprintf(a.stdout, "### %s (%04o)\n%s\n", f.Path, f.Mode, f.Text)
	}
	return nil
}

func (a *app) printSteps(done install.Done) {
	words := map[string]message{install.Made: mDidMade, install.Changed: mDidChanged, install.Kept: mDidKept, install.Aside: mDidAside, install.Removed: mDidRemoved, install.Left: mDidLeft}
	for _, s := range done.Steps {
		fmt.Fprintf(a.stdout, "%s %s\n", pad(a.text(words[s.Did]), 10), escape(s.Path))
	}
}

// printNext says how it stands, and what is left to do.
func (a *app) printNext(ctx context.Context, in install.Options, done install.Done) error {
	switch {
	case done.Busy != "":
		fmt.Fprintln(a.stdout, a.text(mBusy, escape(done.Busy)))
	case in.Root == "":
		if s, err := install.State(ctx); err == nil && s.Running {
			fmt.Fprintln(a.stdout, a.text(mRuns, s.PID))
		} else if errors.Is(err, install.ErrByHand) {
			fmt.Fprintln(a.stdout, a.text(mStartByHand))
		}
	}
	if done.Pinned == "" {
		fmt.Fprintln(a.stdout, a.text(mNextTrust, escape(done.Config.Trust)))
	}
	if _, err := remote.Load(inRoot(in.Root, done.Config.StateDir)); errors.Is(err, remote.ErrNotEnrolled) {
		fmt.Fprintln(a.stdout, a.text(mNextEnrol))
	}
	fmt.Fprintln(a.stdout, a.text(mNextCheck))
	return nil
}

func (a *app) serviceUninstallCommand() *cobra.Command {
	var o serviceOptions
	c := &cobra.Command{Use: "uninstall", Short: a.text(mShortUninstall), Long: a.text(mLongUninstall), Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			done, err := install.Uninstall(c.Context(), a.installOptions(o))
			a.printSteps(done)
			if errors.Is(err, install.ErrIsolated) {
				return fail(err, a.text(mHintRejoin))
			}
			if err != nil {
				return a.managerFailed(err, install.Stop)
			}
			fmt.Fprintln(a.stdout, a.text(mUninstalled))
			return nil
		}}
	a.configFlag(c, &o.config)
	c.Flags().StringVar(&o.root, "root", "", a.text(mFlagInstallRoot))
	c.Flags().StringVar(&o.manager, "manager", "", a.text(mFlagManager))
	return c
}

func (a *app) serviceEnrolCommand() *cobra.Command {
	var o serviceOptions
	var replace bool
	c := &cobra.Command{Use: "enrol @FILE", Short: a.text(mShortEnrol), Long: a.text(mLongEnrol), Example: "  hozen service enrol @token", Args: wantArgs(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			token, err := a.token(args[0])
			if err != nil {
				return err
			}
			conf, err := config.Load(o.config)
			if err != nil {
				return a.configFailed(err, a.text(mHintInstall))
			}
			in := a.installOptions(o)
			if o.trust != "" {
				if err := install.Trust(in, conf); err != nil {
					return fail(err, a.text(mHintOperators))
				}
				fmt.Fprintln(a.stdout, a.text(mPinned, escape(conf.Trust)))
			}
			if err := a.enrolDevice(c.Context(), in, conf, token, replace); err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, a.text(mEnrolledRestart))
			return nil
		}}
	a.configFlag(c, &o.config)
	c.Flags().StringVar(&o.trust, "trust", "", a.text(mFlagOperators))
	c.Flags().BoolVar(&replace, "replace", false, a.text(mFlagReplace))
	return c
}

// enrolDevice uses a token with the device key that is installed.
func (a *app) enrolDevice(ctx context.Context, in install.Options, c *config.Config, token string, replace bool) error {
	state := inRoot(in.Root, c.StateDir)
	d, err := packager.LoadDevice(inRoot(in.Root, c.In(config.DeviceKey)), in.Host)
	if err != nil {
		return fail(err, a.text(mHintInstall))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	hub, err := remote.Enrol(ctx, remote.Enrolment{Token: token, Device: d, Host: in.Host, Version: a.tool(), State: state, Replace: replace})
	if errors.Is(err, remote.ErrEnrolled) {
		return fail(err, a.text(mHintReplace, "hozen service enrol @FILE --replace"))
	} else if err != nil {
		return fail(err, a.text(mHintEnrol))
	}
	fmt.Fprintln(a.stdout, a.text(mEnrolled, escape(hub.Hub), escape(strings.Join(hub.Addresses, ", ")), hub.ID))
	return nil
}

func (a *app) servicePinCommand() *cobra.Command {
	var file string
	c := &cobra.Command{Use: "pin", Short: a.text(mShortPin), Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			conf, err := config.Load(file)
			if err != nil {
				return a.configFailed(err, a.text(mHintInstall))
			}
			sum, err := policy.PinTrust(conf.Trust, conf.In(config.TrustPin))
			if err != nil {
				return fail(err, a.text(mHintOperators))
			}
			fmt.Fprintln(a.stdout, a.text(mPinned, escape(conf.Trust)))
			fmt.Fprintln(a.stdout, "  SHA-256 "+sum)
			return nil
		}}
	a.configFlag(c, &file)
	return c
}

func (a *app) serviceStatusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "status", Short: a.text(mShortStatus), Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serviceStatus(c.Context(), asJSON) }}
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

// serviceStatus says how the service is; it ends with 1 if it does not run.
func (a *app) serviceStatus(ctx context.Context, asJSON bool) error {
	s, err := install.State(ctx)
	if err != nil {
		return a.managerFailed(err, "status")
	}
	if asJSON {
		if err := writeJSON(a.stdout, s); err != nil {
			return fail(err, "")
		}
	} else {
		a.printService(s)
	}
	if !s.Running {
		return silent(exitNotSealed)
	}
	return nil
}

func (a *app) printService(s install.Status) {
	if !s.Running {
		fmt.Fprintln(a.stdout, a.text(mNotRunning, escape(s.State)))
		return
	}
	fmt.Fprintln(a.stdout, a.text(mRuns, s.PID))
	if s.Doing != "" {
		fmt.Fprintln(a.stdout, "  "+strings.Join(a.standingText(s.Doing), "\n  "))
	}
	if s.Memory >= 0 && s.CPU >= 0 {
		fmt.Fprintln(a.stdout, "  "+a.text(mUses, bytesText(s.Memory), s.CPU, s.Since.Format(time.RFC3339), s.Restarts))
	}
}

// managerFailed is an error about the service manager, with what helps.
func (a *app) managerFailed(err error, verb string) error {
	switch {
	case errors.Is(err, install.ErrByHand):
		return fail(err, a.text(mHintByHand, verb))
	case errors.Is(err, install.ErrNotInstalled):
		return fail(err, a.text(mHintInstall))
	case errors.Is(err, os.ErrPermission):
		return fail(err, a.text(mHintRoot))
	}
	return fail(err, a.text(mHintJournal))
}
