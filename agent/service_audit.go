package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
	"hozen/service/audit"
	"hozen/service/config"
	"hozen/service/ledger"
)

// auditOptions are the flags of service audit.
type auditOptions struct {
	config, log, key string
	json             bool
}

func (a *app) serviceAuditCommand() *cobra.Command {
	var o auditOptions
	c := &cobra.Command{
		Use: "audit", Short: a.text(mShortAudit), Long: a.text(mLongAudit), Args: noArgs,
		Example: "  hozen service audit\n  hozen service audit --log audit.jsonl --key pc-42.key.pub",
		RunE:    func(*cobra.Command, []string) error { return a.serviceAudit(o) },
	}
	a.configFlag(c, &o.config)
	c.Flags().StringVar(&o.log, "log", "", a.text(mFlagAuditLog))
	c.Flags().StringVar(&o.key, "key", "", a.text(mFlagAuditKey))
	c.Flags().BoolVar(&o.json, "json", false, a.text(mFlagJSON))
	return c
}

// serviceAudit checks every line of an audit log, and prints what it says.
func (a *app) serviceAudit(o auditOptions) error {
	if o.log == "" || o.key == "" {
		c, err := config.Load(o.config)
		if err != nil {
			return fail(err, a.text(mHintServiceCheck))
		}
		o.log, o.key = cmp.Or(o.log, c.In(config.AuditFile)), cmp.Or(o.key, c.In(config.DeviceKey)+".pub")
	}
	pub, err := readPublic(o.key)
	if err != nil {
		return fail(err, a.text(mHintPublic))
	}
	f, err := os.Open(o.log)
	if err != nil {
		return fail(err, "")
	}
	defer f.Close()
	head, torn, err := audit.Verify(f, pub.key, func(e audit.Entry) error { return a.printEntry(e, o.json) })
	if errors.Is(err, audit.ErrInvalid) {
		return &exitError{code: packager.Invalid.ExitCode(), err: err, hint: a.text(mHintAudit)}
	}
	if err != nil {
		return fail(err, "")
	}
	if o.json {
		return nil
	}
	if torn > 0 {
		fmt.Fprintln(a.stdout, a.text(mAuditTorn, torn))
	}
	_, err = fmt.Fprintln(a.stdout, a.text(mAuditHead, head.Seq, head.Hash))
	return err
}

func (a *app) printEntry(e audit.Entry, asJSON bool) error {
	if asJSON {
		return writeJSON(a.stdout, e)
	}
	var rest []string
	for _, s := range []string{e.Job, e.Operator, e.Collection, e.Reason, e.Text} {
		if s != "" {
			rest = append(rest, escape(s))
		}
	}
	_, err := fmt.Fprintf(a.stdout, "%5d  %.19sZ  %s %s\n", e.Seq, e.Time, pad(e.Event, 12), strings.Join(rest, separator))
	return err
}

func (a *app) serviceRepairClockCommand() *cobra.Command {
	var file, reason string
	c := &cobra.Command{
		Use: "repair-clock", Short: a.text(mShortRepairClock), Long: a.text(mLongRepairClock), Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.repairClock(file, reason) },
	}
	a.configFlag(c, &file)
	c.Flags().StringVar(&reason, "reason", "", a.text(mFlagRepairReason))
	return c
}

// repairClock sets the ledger's mark of time back after the clock had been far ahead.
func (a *app) repairClock(file, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return usage(errors.New("--reason: say who does this, and why"), "")
	}
	c, err := config.Load(file)
	if err != nil {
		return fail(err, a.text(mHintServiceCheck))
	}
	name := cmp.Or(c.Device, packager.DeviceName(string(a.identity().HostName)))
	device, err := packager.RestingDevice(c.In(config.DeviceKey), name)
	if err != nil {
		return fail(err, a.text(mHintServiceCheck))
	}
	l, err := ledger.Open(c.In(config.LedgerFile), a.now())
	if err != nil {
		return fail(err, a.text(mHintStopService))
	}
	log, err := audit.Open(c.In(config.AuditFile), device.Name, device.Signer)
	if err != nil {
		return fail(fault.Join(err, l.Close()), "")
	}
	now := a.now()
	was, err := l.RepairClock(now, reason)
	if err == nil {
		_, err = log.Append(audit.Entry{Event: audit.Repaired, Text: reason, Detail: []audit.Detail{{Name: "was", Value: signed.Wall(was)}, {Name: "now", Value: signed.Wall(now)}}}, now)
	}
	if err := fault.Join(err, log.Close(now), l.Close()); err != nil {
		return fail(err, "")
	}
	_, err = fmt.Fprintln(a.stdout, a.text(mClockRepaired, signed.Wall(was), signed.Wall(now)))
	return err
}
