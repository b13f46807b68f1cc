//go:build !windows

package install

import (
	"context"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// IdleStatus begins the status of a service that may be started anew at any moment.
const IdleStatus = "idle"

// Ready tells the service manager (sd_notify(3)) that the service runs, and what it does.
// Where there is no such manager, this and the others do nothing.
func Ready(status string) { notify(daemon.SdNotifyReady + "\nSTATUS=" + line(status)) }

// Tell says in a few words what the service is doing: IdleStatus, or what must not be
// interrupted. An upgrade goes by it.
func Tell(status string) { notify("STATUS=" + line(status)) }

// Stopping says that the service ends.
func Stopping() { notify(daemon.SdNotifyStopping) }

// KeepAlive tells the watchdog until ctx ends that we are alive, each time that alive
// says so: it should look at what must not hang. It returns at once where nobody watches.
func KeepAlive(ctx context.Context, alive func() bool) {
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil || within <= 0 {
		return
	}
	t := time.NewTicker(within / 3)
	defer t.Stop()
	for {
		if alive() {
			notify(daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// notify leaves errors alone: a manager that cannot be told is no reason to stop.
func notify(state string) { daemon.SdNotify(false, state) }

// line keeps a text within its field.
func line(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }
