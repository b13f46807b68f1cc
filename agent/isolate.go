package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/service/config"
	"hozen/service/isolate"
	"hozen/service/remote"
)

// exitDisagree is of `hozen isolate status`: kernel and file of state do not say the same.
const exitDisagree = 9

// isolateOptions are the flags of the isolate commands.
type isolateOptions struct {
	config, state string
	hubs          []string
	noHub         bool
	duration      time.Duration
	why           isolate.Why
	log, key      string
	json          bool
}

func (a *app) isolateCommand() *cobra.Command {
	var o isolateOptions
	c := &cobra.Command{Use: "isolate", Short: a.text(mShortIsolate), Long: a.text(mLongIsolate), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	on := &cobra.Command{Use: "on", Short: a.text(mShortIsolateOn), Args: noArgs,
		Example: "  hozen isolate on --reason \"ransomware\" --case 42\n  hozen isolate on --hub 192.0.2.10:4222 --for 2h",
		RunE:    func(c *cobra.Command, _ []string) error { return a.isolateOn(c.Context(), o) }}
	on.Flags().StringSliceVar(&o.hubs, "hub", nil, a.text(mFlagIsolateHub))
	on.Flags().BoolVar(&o.noHub, "no-hub", false, a.text(mFlagNoHub))
	on.Flags().DurationVar(&o.duration, "for", isolate.UsualFor, a.text(mFlagIsolateFor))
	off := &cobra.Command{Use: "off", Short: a.text(mShortIsolateOff), Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.isolateOff(c.Context(), o) }}
	for _, sub := range []*cobra.Command{on, off} {
		sub.Flags().StringVar(&o.why.Reason, "reason", "", a.text(mFlagIsolateReason))
		sub.Flags().StringVar(&o.why.Case, "case", "", a.text(mFlagIsolateCase))
		sub.Flags().StringVar(&o.why.Operator, "operator", "", a.text(mFlagIsolateOperator))
		sub.Flags().StringVar(&o.log, "log", "", a.text(mFlagIsolateLog))
		sub.Flags().StringVar(&o.key, "key", "", a.text(mFlagIsolateKey))
	}
	status := &cobra.Command{Use: "status", Short: a.text(mShortIsolateStatus), Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.isolateStatus(c.Context(), o) }}
	restore := &cobra.Command{Use: "restore", Short: a.text(mShortIsolateRestore), Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.isolateRestore(c.Context(), o) }}
	for _, sub := range []*cobra.Command{on, off, status, restore} {
		sub.Flags().StringVar(&o.config, "config", config.DefaultFile(), a.text(mFlagIsolateConfig))
		sub.Flags().StringVar(&o.state, "state", "", a.text(mFlagIsolateState))
		sub.Flags().BoolVar(&o.json, "json", false, a.text(mFlagJSON))
	}
	c.AddCommand(on, off, status, restore)
	return c
}

// machine gives this machine, and the configuration of its service if it has one.
func (a *app) machine(o *isolateOptions) (*isolate.Machine, *config.Config, error) {
	c, err := config.Load(o.config)
	if err != nil {
		if _, gone := os.Lstat(o.config); !errors.Is(gone, os.ErrNotExist) || o.config != config.DefaultFile() {
			return nil, nil, fail(err, "")
		}
		c = config.Default()
	}
	if o.state != "" {
		c.StateDir = o.state
	}
	return isolate.At(c.StateDir, slog.New(slog.NewTextHandler(a.stderr, nil))), c, nil
}

// hubList is what is kept: the hubs of the flags, else those of the configuration, else those of the enrolment.
func (a *app) hubList(o *isolateOptions, c *config.Config) (out []netip.AddrPort, err error) {
	for _, h := range o.hubs {
		p, err := netip.ParseAddrPort(h)
		if err != nil {
			return nil, usage(fmt.Errorf("--hub %q: want an IP address and a port, such as 192.0.2.10:4222 or [2001:db8::1]:4222", h), "")
		}
		out = append(out, p)
	}
	if len(out) > 0 || o.noHub {
		return out, nil
	}
	if len(c.Isolation.Hub) > 0 {
		return c.Isolation.Hub, nil
	}
	h, err := remote.Load(c.StateDir)
	if errors.Is(err, remote.ErrNotEnrolled) {
		return nil, nil
	}
	for _, s := range h.Addresses {
		p, err := netip.ParseAddrPort(s)
		if err != nil {
			return nil, fail(err, "")
		}
		out = append(out, p)
	}
	if err != nil {
		return nil, fail(err, a.text(mHintIsolate))
	}
	return out, nil
}

func (a *app) isolateOn(ctx context.Context, o isolateOptions) error {
	m, c, err := a.machine(&o)
	if err != nil {
		return err
	}
	hubs, err := a.hubList(&o, c)
	if err != nil {
		return err
	}
	tell, err := a.custodyOf(o)
	if err != nil {
		return err
	}
	want := isolate.Options{Hubs: hubs, NoHub: o.noHub, For: o.duration, Case: o.why.Case, Reason: o.why.Reason, Operator: o.why.Operator}
	if err := want.Check(); err != nil {
		hint := ""
		if errors.Is(err, isolate.ErrNoHub) {
			hint = a.text(mHintNoHub)
		}
		return usage(err, hint)
	}
	change, err := m.On(ctx, want)
	err = fault.Join(err, tell(change))
	if change.Event == "" {
		return fail(err, a.text(mHintIsolate))
	}
	return a.changed(m, change, err, o.json)
}

func (a *app) isolateOff(ctx context.Context, o isolateOptions) error {
	m, _, err := a.machine(&o)
	if err != nil {
		return err
	}
	tell, err := a.custodyOf(o)
	if err != nil {
		return err
	}
	change, err := m.Off(ctx, o.why)
	err = fault.Join(err, tell(change))
	if !change.Verified {
		return fail(err, a.text(mHintNotReleased, m.WayOut()))
	}
	return a.changed(m, change, err, o.json)
}

func (a *app) isolateRestore(ctx context.Context, o isolateOptions) error {
	m, _, err := a.machine(&o)
	if err != nil {
		return err
	}
	change, err := m.Restore(ctx)
	if err != nil && !change.Verified {
		return fail(err, a.text(mHintIsolate))
	}
	return a.changed(m, change, err, o.json)
}

// changed says what was changed. err is what went wrong beside it.
func (a *app) changed(m *isolate.Machine, c isolate.Change, err error, asJSON bool) error {
	if asJSON {
		if wrong := writeJSON(a.stdout, c); wrong != nil {
			return fail(wrong, "")
		}
	} else {
		a.printChange(m, c)
	}
	switch {
	case err != nil && c.Verified:
		return &exitError{code: exitShort, err: err}
	case err != nil:
		return fail(err, a.text(mHintNotReleased, m.WayOut()))
	}
	return nil
}

func (a *app) printChange(m *isolate.Machine, c isolate.Change) {
	say := func(t message, args ...any) { fmt.Fprintln(a.stdout, a.text(t, args...)) }
	switch {
	case c.Event == isolate.Isolated && c.Verified:
		say(mIsolated, shortTime(c.Until, time.Local))
		if len(c.Hubs) == 0 {
			say(mKeptNoHub)
		}
		for _, h := range c.Hubs {
			say(mKeptHub, h)
		}
		say(mWayOut, m.WayOut())
	case c.Event == isolate.Rejoined && c.Verified:
		say(mReleased)
	case c.Event == "":
		say(mNothingIsolated)
	}
	for _, t := range c.Others {
		say(mOthersChanged, escape(a.sentence(t)))
	}
	a.printLimits(append(c.Missing, c.Outside...), c.Warnings, c.Rivals)
}

func (a *app) printLimits(outside, warnings, rivals []string) {
	for _, t := range outside {
		fmt.Fprintln(a.stdout, a.text(mNotReached, escape(a.sentence(t))))
	}
	for _, t := range warnings {
		fmt.Fprintln(a.stdout, a.text(mWarning, escape(a.sentence(t))))
	}
	for _, t := range rivals {
		fmt.Fprintln(a.stdout, a.text(mWarning, a.text(mRival, escape(t))))
	}
}

func (a *app) isolateStatus(ctx context.Context, o isolateOptions) error {
	m, _, err := a.machine(&o)
	if err != nil {
		return err
	}
	st, err := m.Status(ctx)
	if err != nil && st.Kernel == isolate.Unknown {
		return fail(err, a.text(mHintIsolate))
	}
	if o.json {
		if wrong := writeJSON(a.stdout, st); wrong != nil {
			return fail(wrong, "")
		}
	} else {
		a.printStatus(m, st)
	}
	if err != nil {
		return fail(err, "")
	}
	if !st.Agree {
		return silent(exitDisagree)
	}
	return nil
}

func (a *app) printStatus(m *isolate.Machine, st isolate.Status) {
	say := func(t message, args ...any) { fmt.Fprintln(a.stdout, a.text(t, args...)) }
	say(mStatusKernel, a.isolationWord(st.Kernel))
	say(mStatusFile, a.isolationWord(st.File))
	if st.LeftS > 0 {
		say(mStatusLeft, time.Duration(st.LeftS)*time.Second)
	}
	if st.State != nil {
		say(mStatusKept, strings.Join(st.State.Hubs, ", "))
		say(mStatusWhy, escape(st.State.Case), escape(st.State.Reason), escape(st.State.Operator))
	}
	if st.Kernel != isolate.Open {
		say(mWayOut, m.WayOut())
	}
	a.printLimits(st.Outside, st.Warn, st.Rivals)
	if !st.Agree {
		say(mStatusDisagree, escape(a.sentence(st.Problem)))
	}
}

// isolationWord is a word of isolate.Status for people.
func (a *app) isolationWord(word string) string {
	m, known := map[string]message{isolate.Open: mIsOpen, isolate.Cut: mIsCut, isolate.Expired: mIsExpired,
		isolate.Altered: mIsAltered, isolate.Unknown: mIsUnknown, isolate.Released: mIsReleased}[word]
	if !known {
		return escape(word)
	}
	return a.text(m)
}

// custodyOf gives what writes a change into the custody log that was named.
func (a *app) custodyOf(o isolateOptions) (func(isolate.Change) error, error) {
	if o.log == "" {
		return func(isolate.Change) error { return nil }, nil
	}
	id, ok := strings.CutSuffix(filepath.Base(o.log), packager.LogName(""))
	if !ok || !packager.ValidID(id) {
		return nil, usage(fmt.Errorf("--log %q: want a custody log, ID%s", o.log, packager.LogName("")), "")
	}
	if o.key == "" {
		return nil, usage(errors.New("--log needs --key: the event is signed"), a.text(mHintKey))
	}
	d, err := packager.LoadDevice(o.key, packager.DeviceName(string(a.identity().HostName)))
	if err != nil {
		return nil, fail(err, a.text(mHintKey))
	}
	return func(c isolate.Change) error {
		if c.Event == "" {
			return nil
		}
		e := c.CustodyEvent()
		e.Method = &packager.EventMethod{Tool: a.tool(), Command: a.signed()}
		return packager.AppendEvent(filepath.Dir(o.log), id, d, e, a.now())
	}, nil
}

// shortTime is a time of the log for people: whole seconds, as the clock on the wall shows
// it, and UTC beside it where that is another.
func shortTime(wall string, place *time.Location) string {
	t, err := time.Parse(time.RFC3339Nano, wall)
	if err != nil {
		return escape(wall)
	}
	utc := t.UTC().Format("2006-01-02 15:04:05 UTC")
	if _, east := t.In(place).Zone(); east == 0 {
		return utc
	}
	return t.In(place).Format("2006-01-02 15:04:05 -07:00") + " (" + utc + ")"
}
