package isolate

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"time"
)

// Bounds of what may be asked for.
const (
	MaxHubs = 16
	MinFor  = time.Second
	MaxFor  = 30 * 24 * time.Hour
	// UsualFor is the dead-man time where none is given.
	UsualFor = 8 * time.Hour
)

// Errors that a caller branches on.
var (
	// ErrUnsupported says that this system or kernel cannot be isolated.
	ErrUnsupported = errors.New("isolation is not possible here")
	// ErrNoHub refuses to cut a machine from everything without being told to.
	ErrNoHub = errors.New("no hub is given: nothing could release this machine from outside")
	// ErrNotReleased says that rules of ours are still in the kernel after they were taken away.
	ErrNotReleased = errors.New("not released")
)

// Options say how a machine is isolated, and why.
type Options struct {
	Hubs     []netip.AddrPort // kept; nothing is resolved
	NoHub    bool             // cut it from the hub, too
	For      time.Duration    // the dead-man time; 0 is UsualFor
	Case     string
	Reason   string
	Operator string
	Job      string // id of the job that asks; "" if none
}

// Why says who wants a machine back, and why.
type Why struct {
	Case, Reason, Operator, Job string
}

// Events that a Change is, by the words of the custody log.
const (
	Isolated = "isolated"
	Rejoined = "rejoined"
)

// A Change is one change of this machine's isolation, as it goes into a custody log and the
// audit log.
type Change struct {
	Event    string           `json:"event"` // Isolated, Rejoined; "" if nothing was changed
	Cause    string           `json:"cause"` // command, job, boot, restored, expired
	At       string           `json:"at"`    // RFC 3339, UTC
	Until    string           `json:"until"` // when the kernel releases it by itself; "" of Rejoined
	Hubs     []netip.AddrPort `json:"hubs"`
	Case     string           `json:"case"`
	Reason   string           `json:"reason"`
	Operator string           `json:"operator"`
	Job      string           `json:"job"`
	Before   Rules            `json:"before"`
	After    Rules            `json:"after"`
	// Verified says that the kernel was asked afterwards: of Isolated, that our tables are
	// there and armed; of Rejoined, that they are gone.
	Verified bool `json:"verified"`
	// Others are tables of others that differ between Before and After: somebody else changed
	// them in between, since we change none.
	Others []string `json:"others_changed"`
	// Missing are parts that this kernel does not have; Outside is what isolation does not
	// reach on this machine; Warnings is what the operator must know.
	Missing  []string `json:"missing"`
	Outside  []string `json:"outside"`
	Warnings []string `json:"warnings"`
	// Rivals are sublayers of others in the filtering platform of Windows whose weight is as
	// high as that of ours, the highest: which of them decides first is not known.
	Rivals []string `json:"rivals"`
}

// Rules are all rules of the kernel at one moment.
type Rules struct {
	SHA256 string `json:"sha256"` // of what the kernel said, without its counters and clocks
	Tables int    `json:"tables"`
	Text   string `json:"text"` // cut at MaxText bytes; says so
}

// MaxText bounds Rules.Text, in bytes.
const MaxText = 64 << 10

// A Firewall is the kernel's packet filter. System gives this machine's.
type Firewall interface {
	// Read gives all rules of the kernel.
	Read(ctx context.Context) (Ruleset, error)
	// Replace puts tables of ours in the place of those that are there, or takes them away
	// (nil), in one transaction; after an error everything is as it was. It gives what this
	// kernel does not have and was left out; of nil, what was taken away that Read does not show.
	Replace(ctx context.Context, w *Want) (besides []string, err error)
	// Around looks at what is beside the rules: interfaces, namespaces, the ways to the hubs.
	Around(ctx context.Context, hubs []netip.AddrPort) (Around, error)
}

// A Machine is isolated and released. All calls may be made concurrently, also by several
// processes: a lock beside the file of state orders them.
type Machine struct {
	File     string // where the state is kept
	Firewall Firewall
	Log      *slog.Logger
	// Tell is given each change that was made, after it was made: for the audit log and a
	// custody log; see Change.AuditEntry, Change.CustodyEvent. Its error is returned beside
	// the change, which stays. Where it is nil, changes are kept beside the state for the
	// next Machine that has one: the command leaves them to the service so. It must not call
	// the Machine.
	Tell func(Change) error
	Now  func() time.Time
	// Dial says why a hub cannot be reached; nil does not try.
	Dial func(ctx context.Context, hub netip.AddrPort) error
}

// At gives this machine, with its state in the service's directory.
func At(dir string, log *slog.Logger) *Machine {
	return &Machine{File: filepath.Join(dir, StateName), Firewall: System(), Log: log, Now: time.Now, Dial: dial}
}

// dial opens a connection and closes it.
func dial(ctx context.Context, hub netip.AddrPort) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", hub.String())
	if err != nil {
		return err
	}
	return c.Close()
}
