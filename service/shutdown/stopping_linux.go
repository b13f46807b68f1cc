package shutdown

import (
	"context"
	"os"
	"time"

	"github.com/godbus/dbus/v5"
)

// Stopping says whether the whole machine is being switched off or started anew, to a
// service that was told to end. The service manager is asked, or, where there is no
// systemd, the run level; no answer is no.
func Stopping(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := os.Lstat("/run/systemd/system"); err == nil {
		return systemStopping(ctx)
	}
	b, err := os.ReadFile("/run/utmp")
	return err == nil && utmpStopping(b)
}

// systemStopping asks systemd on its own socket, which root may use and which is there to the
// end, or on the bus.
func systemStopping(ctx context.Context) bool {
	for _, way := range []func(...dbus.ConnOption) (*dbus.Conn, error){privateSocket, dbus.ConnectSystemBus} {
		conn, err := way(dbus.WithContext(ctx))
		if err != nil {
			continue
		}
		var state dbus.Variant
		err = conn.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1").CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0,
			"org.freedesktop.systemd1.Manager", "SystemState").Store(&state)
		conn.Close()
		if err == nil {
			return state.Value() == "stopping"
		}
	}
	return false
}

func privateSocket(o ...dbus.ConnOption) (*dbus.Conn, error) {
	conn, err := dbus.Dial("unix:path=/run/systemd/private", o...)
	if err != nil {
		return nil, err
	}
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal("0")}); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil // no Hello: there is no bus behind it
}
