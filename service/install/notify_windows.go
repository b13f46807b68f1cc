package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows/svc"

	"hozen/service/config"
	"hozen/service/durable"
)

// IdleStatus begins the status of a service that may be started anew at any moment.
const IdleStatus = "idle"

// Ready says what the service does. The SCM keeps no such word: it is in the file of status
// beside the configuration, hozen.status. Where the SCM did not start this process, this and
// the others do nothing.
func Ready(status string) { Tell(status) }

// Tell says in a few words what the service is doing: IdleStatus, or what must not be
// interrupted. An upgrade goes by it.
func Tell(status string) {
	if svc.StatusHandle() == 0 {
		return
	}
	// A file that cannot be written is no reason to stop.
	durable.Replace(statusFile(Unit), fmt.Appendf(nil, "%d %s\n", os.Getpid(), line(status)))
}

// Stopping says that the service ends.
func Stopping() { Tell("stopping") }

// KeepAlive has nobody to tell: the SCM looks only whether the process is there.
func KeepAlive(context.Context, func() bool) {}

func statusFile(name string) string {
	return filepath.Join(filepath.Dir(config.DefaultFile()), name+".status")
}

func progressFile(name string) string {
	return filepath.Join(filepath.Dir(config.DefaultFile()), name+".log")
}

// doing reads what the service of a process said last.
func doing(name string, pid int) string {
	b, err := durable.Read(statusFile(name), 4096)
	if err != nil {
		return ""
	}
	of, text, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	if of != fmt.Sprint(pid) {
		return ""
	}
	return text
}

// line keeps a text within its field.
func line(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }
