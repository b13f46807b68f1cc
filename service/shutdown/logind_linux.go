package shutdown

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

// logind is systemd-logind on the system bus (org.freedesktop.login1(5)).
type logind struct {
	conn   *dbus.Conn
	object dbus.BusObject
	comes  chan bool
}

const (
	loginName   = "org.freedesktop.login1"
	loginPath   = "/org/freedesktop/login1"
	loginIface  = loginName + ".Manager"
	loginSignal = "PrepareForShutdown"
)

// callLimit bounds each question to logind: it may be as stuck as the rest.
const callLimit = 10 * time.Second

func connect(ctx context.Context) (manager, error) {
	// The connection lives longer than the calls, and ends with close.
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(context.WithoutCancel(ctx)))
	if err != nil {
		return nil, fmt.Errorf("system bus: %w", err)
	}
	l := &logind{conn: conn, object: conn.Object(loginName, loginPath), comes: make(chan bool, 1)}
	match := []dbus.MatchOption{dbus.WithMatchInterface(loginIface), dbus.WithMatchMember(loginSignal), dbus.WithMatchObjectPath(loginPath)}
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := conn.AddMatchSignalContext(limited, match...); err != nil {
		conn.Close()
		return nil, fmt.Errorf("logind: %w", err)
	}
	signals := make(chan *dbus.Signal, 8)
	conn.Signal(signals)
	go l.listen(signals)
	return l, nil
}

// listen passes on what logind says. Only the owner of its name can send these, as the
// bus's policy has it.
func (l *logind) listen(signals <-chan *dbus.Signal) {
	defer close(l.comes)
	for s := range signals {
		if s.Name != loginIface+"."+loginSignal || len(s.Body) != 1 {
			continue
		}
		begins, ok := s.Body[0].(bool)
		if !ok {
			continue
		}
		select {
		case l.comes <- begins:
		case <-l.conn.Context().Done():
			return
		}
	}
}

func (l *logind) coming() <-chan bool { return l.comes }

func (l *logind) inhibit() (func() error, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callLimit)
	defer cancel()
	var fd dbus.UnixFD
	err := l.object.CallWithContext(ctx, loginIface+".Inhibit", 0, "shutdown", "Hozen", "volatile evidence is being saved", "delay").Store(&fd)
	if err != nil {
		return nil, fmt.Errorf("logind: inhibit: %w", err)
	}
	syscall.CloseOnExec(int(fd))
	open := true
	return func() error {
		if !open {
			return nil
		}
		open = false
		return syscall.Close(int(fd))
	}, nil
}

func (l *logind) patience() time.Duration {
	v, err := l.object.GetProperty(loginIface + ".InhibitDelayMaxUSec")
	if us, ok := v.Value().(uint64); err == nil && ok && us < uint64(24*time.Hour/time.Microsecond) {
		return time.Duration(us) * time.Microsecond
	}
	return 0
}

func (l *logind) close() { l.conn.Close() }
