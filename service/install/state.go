package install

import (
	"errors"
	"strings"
	"time"
)

// What can be done with an installed service.
const (
	Start   = "start"
	Stop    = "stop"
	Restart = "restart"
)

// Errors that a caller branches on.
var (
	// ErrNotInstalled says that there is no such service.
	ErrNotInstalled = errors.New("the service is not installed")
	// ErrNoManager says that this machine has no service manager that we know.
	ErrNoManager = errors.New("no service manager is known here")
	// ErrByHand says that the manager can only be asked by starting a program, which we do not.
	ErrByHand = errors.New("this service manager is asked by hand")
)

// Status is what the service manager says of the service.
type Status struct {
	Manager  string    `json:"manager"`
	Running  bool      `json:"running"`
	State    string    `json:"state"` // the manager's own word
	Doing    string    `json:"doing"` // what the service said last
	PID      int       `json:"pid"`
	Since    time.Time `json:"since"`
	Restarts int       `json:"restarts"`
	Memory   int64     `json:"memory_bytes"` // of its control group; -1: not known
	CPU      float64   `json:"cpu_seconds"`  // used since then; -1: not known
}

// Idle says whether the service can be ended without breaking anything off.
func (s Status) Idle() bool { return s.Doing == "" || strings.HasPrefix(s.Doing, IdleStatus) }

// CaseOf gives the case that the instance of a unit hozen-collect@INSTANCE names: what
// systemd-escape(1) wrote as \xNN is a byte again; all else, dashes too, is as it stands.
func CaseOf(instance string) string {
	var b strings.Builder
	for i := 0; i < len(instance); i++ {
		if rest := instance[i:]; len(rest) >= 4 && strings.HasPrefix(rest, `\x`) {
			if c, ok := hexByte(rest[2], rest[3]); ok {
				b.WriteByte(c)
				i += 3
				continue
			}
		}
		b.WriteByte(instance[i])
	}
	return b.String()
}

func hexByte(a, b byte) (byte, bool) {
	x, y := strings.IndexByte("0123456789abcdef", a|0x20), strings.IndexByte("0123456789abcdef", b|0x20)
	return byte(x<<4 | y), x >= 0 && y >= 0
}
