package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"

	"hozen/service/config"
)

// callLimit bounds what the manager is asked.
const callLimit = time.Minute

// managerOf finds the service manager, by what is there.
func managerOf(o Options) (string, error) {
	there := func(path string) bool {
		_, err := os.Stat(o.at(path))
		return err == nil
	}
	switch {
	case o.Manager == Systemd || o.Manager == OpenRC || o.Manager == SysV:
		return o.Manager, nil
	case o.Manager != "":
		return "", fmt.Errorf("service manager %q: not one of %s, %s, %s", o.Manager, Systemd, OpenRC, SysV)
	case there("/run/systemd/system"), o.Root != "" && (there("/lib/systemd/systemd") || there("/usr/lib/systemd/systemd")):
		return Systemd, nil
	case there("/sbin/openrc-run"):
		return OpenRC, nil
	case there("/etc/init.d"):
		return SysV, nil
	}
	return "", ErrNoManager
}

// onSystemd connects to systemd on its own socket: no bus needs to run.
func onSystemd(ctx context.Context, f func(context.Context, *dbus.Conn) error) error {
	if m, err := managerOf(Options{}); err != nil {
		return err
	} else if m != Systemd {
		return fmt.Errorf("%s: %w", m, ErrByHand)
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	conn, err := dbus.NewSystemdConnectionContext(ctx)
	if err != nil {
		return fmt.Errorf("systemd: %w", err)
	}
	defer conn.Close()
	return f(ctx, conn)
}

// reload has the manager read what was written.
func reload(ctx context.Context, manager string, _ *config.Config) error {
	if manager != Systemd {
		return nil
	}
	return onSystemd(ctx, func(ctx context.Context, conn *dbus.Conn) error {
		if err := conn.ReloadContext(ctx); err != nil {
			return fmt.Errorf("systemd: reload: %w", err)
		}
		// logind reads its drop-ins again; where there is none, nothing will be held.
		conn.KillUnitWithTarget(ctx, "systemd-logind.service", dbus.Main, int32(syscall.SIGHUP))
		return nil
	})
}

// Control starts, stops or restarts the service, and waits until that is done.
func Control(ctx context.Context, verb string) error {
	s, err := State(ctx)
	if err != nil {
		return err
	}
	if s.State == "not-found" {
		return ErrNotInstalled
	}
	return onSystemd(ctx, func(_ context.Context, conn *dbus.Conn) error {
		const unit = Unit + ".service"
		result := make(chan string, 1)
		var err error
		switch verb {
		case Start:
			_, err = conn.StartUnitContext(ctx, unit, "replace", result)
		case Stop:
			_, err = conn.StopUnitContext(ctx, unit, "replace", result)
		case Restart:
			_, err = conn.RestartUnitContext(ctx, unit, "replace", result)
		default:
			return fmt.Errorf("%q: not one of start, stop, restart", verb)
		}
		if err != nil {
			return fmt.Errorf("systemd: %s: %w", verb, err)
		}
		select {
		case r := <-result:
			if r != "done" {
				return fmt.Errorf("systemd: %s: %s (see `journalctl -u %s`)", verb, r, unit)
			}
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}

// State asks the service manager about the service.
func State(ctx context.Context) (s Status, err error) {
	err = onSystemd(ctx, func(ctx context.Context, conn *dbus.Conn) error {
		p, err := conn.GetAllPropertiesContext(ctx, Unit+".service")
		if err != nil {
			return fmt.Errorf("systemd: %w", err)
		}
		s = statusOf(p)
		return nil
	})
	return s, err
}

// statusOf reads the properties of a unit (org.freedesktop.systemd1(5)).
func statusOf(p map[string]any) Status {
	number := func(name string) uint64 {
		switch v := p[name].(type) {
		case uint64:
			return v
		case uint32:
			return uint64(v)
		}
		return 0
	}
	text := func(name string) string { s, _ := p[name].(string); return s }
	s := Status{Manager: Systemd, State: text("ActiveState"), Doing: text("StatusText"), PID: int(number("MainPID")), Restarts: int(number("NRestarts")), Memory: -1, CPU: -1}
	if text("LoadState") == "not-found" {
		s.State = "not-found"
	}
	s.Running = s.PID > 0
	if us := number("ActiveEnterTimestamp"); us > 0 && us < 1<<62 {
		s.Since = time.UnixMicro(int64(us)).UTC()
	}
	if m := number("MemoryCurrent"); m < 1<<62 {
		s.Memory = int64(m)
	}
	if ns := number("CPUUsageNSec"); ns < 1<<62 {
		s.CPU = float64(ns) / 1e9
	}
	return s
}

// deactivate stops the service for good, before its files go.
func deactivate(ctx context.Context) error {
	err := Control(ctx, Stop)
	if errors.Is(err, ErrNotInstalled) {
		return nil
	}
	return err
}

// Serve is for managers that must be answered; here nobody asks.
func Serve(context.Context, string, func(context.Context, []string) uint32) error {
	return fmt.Errorf("%w: --scm is for Windows", ErrNoManager)
}

// removable are files that only other configurations have.
func removable() []string { return []string{logind} }
