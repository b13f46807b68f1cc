package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service"
	"hozen/service/audit"
	"hozen/service/config"
	"hozen/service/install"
	"hozen/service/isolate"
	"hozen/service/job"
	"hozen/service/ledger"
	"hozen/service/outbox"
	"hozen/service/policy"
	"hozen/service/protocol"
	"hozen/service/remote"
	"hozen/service/shutdown"
)

// resident is the resident agent with everything that it stands on.
type resident struct {
	service.Parts
	agent   atomic.Pointer[service.Agent] // nil until all parts are there
	a       *app
	config  *config.Config
	log     *slog.Logger
	hub     *remote.Client // nil: not enrolled
	machine *isolate.Machine
	doing   atomic.Pointer[string] // the collection that runs
	told    atomic.Pointer[string] // what the service manager knows
}

// newResident makes the parts that the configuration names. Close lets go of them.
func (a *app) newResident(c *config.Config, log *slog.Logger) (_ *resident, err error) {
	// Not the named result: `return nil, err` would take it from the deferred Close.
	r := &resident{a: a, config: c, log: log, Parts: service.Parts{
		Tool: a.tool(), StateDir: c.StateDir, DeleteLocal: c.DeleteLocal, Log: log, Now: a.now,
	}}
	r.Doing = r.tellManager
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	name := c.Device
	if name == "" {
		name = packager.DeviceName(string(a.identity().HostName))
	}
	if r.Device, err = packager.RestingDevice(c.In(config.DeviceKey), name); err != nil {
		return nil, err
	}
	if r.Ledger, err = ledger.Open(c.In(config.LedgerFile), a.now()); err != nil {
		return nil, err
	}
	if r.Audit, err = audit.Open(c.In(config.AuditFile), r.Device.Name, r.Device.Signer); err != nil {
		return nil, err
	}
	if r.Outbox, err = outbox.Open(c.In(config.OutboxDir), c.Outbox.MaxSize); err != nil {
		return nil, err
	}
	if r.Policy, err = a.policyOf(c, r.Device); err != nil {
		return nil, err
	}
	makes := &orders{a: a, out: r.Outbox.Dir(), key: c.In(config.DeviceKey), config: c}
	r.Collector = makes
	r.machine = isolate.At(c.StateDir, log)
	r.Isolation = r.machine
	if err := r.connect(); err != nil {
		return nil, err
	}
	if r.hub != nil {
		makes.hubClock = r.hub.Clock
	}
	r.Destination = (&places{c, r.hub}).named
	agent := service.New(r.Parts)
	r.machine.Tell = agent.NoteChange
	r.agent.Store(agent)
	return r, nil
}

// policyOf is what the configuration says about jobs.
func (a *app) policyOf(c *config.Config, d packager.Device) (*policy.Policy, error) {
	key, err := d.Public()
	if err != nil {
		return nil, err
	}
	p := &policy.Policy{
		Device: d.Name, DeviceKey: signed.PublicText(key), TrustFile: c.Trust, PinFile: c.In(config.TrustPin), Revoked: c.Revoked, VetoFile: c.Veto,
		Groups: map[string][]string{}, Recipients: c.Allow.Recipients, Destinations: c.Allow.Destinations, EncryptTo: c.EncryptTo,
		Signers: map[job.Power]int{job.PowerCollect: c.Approvals.Collect, job.PowerRAM: c.Approvals.RAM, job.PowerMemory: c.Approvals.Memory, job.PowerIsolate: c.Approvals.Isolate, job.PowerCancel: c.Approvals.Cancel},
		Profile: a.profileHash,
	}
	for _, g := range c.Groups {
		p.Groups[g.Name] = g.Members
	}
	return p, nil
}

// connect begins the connection to the hub, if this machine is enrolled at one.
func (r *resident) connect() error {
	c, err := remote.Connect(remote.Options{State: r.config.StateDir, Hello: r.hello, Log: r.log})
	switch {
	case errors.Is(err, remote.ErrNotEnrolled):
		r.log.Info("not enrolled at a hub: jobs are not received")
		return nil
	case err != nil:
		return err
	}
	r.hub, r.Hub, r.Hubs = c, c, r.config.Isolation.Hub
	if len(r.Hubs) > 0 {
		return nil
	}
	for _, text := range c.Hub().Addresses {
		addr, err := netip.ParseAddrPort(text)
		if err != nil {
			return fmt.Errorf("address of the hub: %w", err)
		}
		r.Hubs = append(r.Hubs, addr)
	}
	return nil
}

// hello is what the hub is told of this machine.
func (r *resident) hello() protocol.Hello {
	h := protocol.Hello{Device: r.Device.Name, Version: version, OS: runtime.GOOS}
	if agent := r.agent.Load(); agent != nil {
		h.Busy = agent.Busy()
	}
	if name, err := os.Hostname(); err == nil {
		h.Host = plain(name)
	}
	box := r.Outbox.Status()
	h.Outbox, h.OutboxB = box.Waiting, box.Unsent
	h.Isolated = r.machine.Until()
	return h
}

// Close lets go of what is open.
func (r *resident) Close() {
	if r.hub != nil {
		r.hub.Close()
	}
	if r.Audit != nil {
		if err := r.Audit.Close(r.a.now()); err != nil {
			r.log.Error("audit log", "error", err)
		}
	}
	if r.Outbox != nil {
		if err := r.Outbox.Close(); err != nil {
			r.log.Error("outbox", "error", err)
		}
	}
	if r.Ledger != nil {
		if err := r.Ledger.Close(); err != nil {
			r.log.Error("ledger", "error", err)
		}
	}
}

// run runs the agent until ctx ends. Before it gives way to the machine's being switched
// off it takes what is asked for then.
func (r *resident) run(ctx context.Context) error {
	defer r.Close()
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	if r.config.OnShutdown == config.ShutdownVolatile {
		go r.hold(life)
	}
	go func() {
		<-ctx.Done()
		told := errors.Is(context.Cause(ctx), shutdown.ErrSwitchedOff)
		if r.config.OnShutdown == config.ShutdownVolatile && (told || shutdown.Stopping(life)) {
			r.lastMoment(life)
		}
		end(context.Cause(ctx))
	}()
	go install.KeepAlive(life, func() bool { r.agent.Load().Busy(); return true }) // which waits for its lock
	install.Ready(r.standing())
	r.tellManager("")
	go r.watchStanding(life)
	defer install.Stopping()
	return r.agent.Load().Run(life)
}

// hold asks the system to wait at a shutdown.
func (r *resident) hold(ctx context.Context) {
	held := func(d time.Duration) { r.log.Info("a shutdown waits for the volatile state", "at_most", d) }
	err := shutdown.Hold(ctx, r.config.ShutdownLimit, held, r.agent.Load().Last)
	switch {
	case errors.Is(err, shutdown.ErrByService):
		held(r.config.ShutdownLimit)
	case err != nil:
		r.log.Warn("a shutdown will not be held by the system: what the service is given for ending is used", "error", err)
	}
}

func (r *resident) lastMoment(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.config.ShutdownLimit)
	defer cancel()
	r.agent.Load().Last(ctx)
}

// idleGCPercent keeps the heap of an agent that waits near what it needs.
const idleGCPercent = 50

// tellManager tells the service manager what must not be interrupted. An agent that has
// nothing to do gives memory back: it stays for months.
func (r *resident) tellManager(collection string) {
	r.doing.Store(&collection)
	r.tellStanding()
	if collection == "" {
		debug.SetGCPercent(idleGCPercent)
		debug.FreeOSMemory() // what pools hold goes at the second time only
		debug.FreeOSMemory()
		return
	}
	debug.SetGCPercent(gcPercent)
}
