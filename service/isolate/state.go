package isolate

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hozen/packager/private"
	"hozen/packager/signed"
	"hozen/service/durable"
)

// StateType names version 1 of the file of state.
const StateType = "hozen/isolation/1"

// StateName is the file of state in the service's directory.
const StateName = "isolation.json"

// State is what survives a reboot: one line of JSON in the encoding of package signed.
// Want says what the machine is to be; a crash between the file and the kernel is mended by
// the next Restore, Watch, On or Off. Times are RFC 3339, UTC, nanoseconds.
type State struct {
	Type     string   `json:"type"`
	Want     string   `json:"want"` // Cut or Released
	Since    string   `json:"since"`
	Until    string   `json:"until"`
	Hubs     []string `json:"hubs"` // address:port
	Next     []string `json:"next"` // routers on the way to them that were seen; at boot there is no way yet
	Case     string   `json:"case"`
	Reason   string   `json:"reason"`
	Operator string   `json:"operator"`
	Job      string   `json:"job"`
	// Rules is the SHA-256 of our tables as the kernel showed them when they were put; "" if
	// this program died before it asked.
	Rules string `json:"rules"`
}

// ParseState reads a state, and refuses all that On would not have written.
func ParseState(b []byte) (State, error) {
	var s State
	if err := signed.Decode(b, &s); err != nil {
		return State{}, err
	}
	if s.Type != StateType {
		return State{}, fmt.Errorf("type %q: not %s", s.Type, StateType)
	}
	if s.Want != Cut && s.Want != Released {
		return State{}, fmt.Errorf("want %q: not %s or %s", s.Want, Cut, Released)
	}
	since, err := parseWall(s.Since)
	if err != nil {
		return State{}, fmt.Errorf("since: %w", err)
	}
	until, err := parseWall(s.Until)
	if err != nil {
		return State{}, fmt.Errorf("until: %w", err)
	}
	if d := until.Sub(since); d < MinFor || d > MaxFor {
		return State{}, fmt.Errorf("until %s: not %v to %v after since", s.Until, MinFor, MaxFor)
	}
	if s.Hubs == nil || len(s.Hubs) > MaxHubs {
		return State{}, fmt.Errorf("hubs: want a list of at most %d", MaxHubs)
	}
	if s.Next == nil || len(s.Next) > maxNext {
		return State{}, fmt.Errorf("next: want a list of at most %d", maxNext)
	}
	for _, n := range s.Next {
		if a, err := netip.ParseAddr(n); err != nil || a.String() != n || a.Zone() != "" {
			return State{}, fmt.Errorf("next %q: want an address", n)
		}
	}
	for _, h := range s.Hubs {
		a, err := netip.ParseAddrPort(h)
		if err != nil {
			return State{}, fmt.Errorf("hubs: %w", err)
		}
		if err := checkHub(a); err != nil {
			return State{}, err
		}
		if a.String() != h {
			return State{}, fmt.Errorf("hub %q: want %s", h, a)
		}
	}
	return s, nil
}

func parseWall(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, err
	}
	if signed.Wall(t) != s {
		return t, fmt.Errorf("%q: want UTC with nine digits", s)
	}
	return t, nil
}

// hubs are the addresses of a state that ParseState took.
func (s State) hubs() []netip.AddrPort {
	var out []netip.AddrPort
	for _, h := range s.Hubs {
		if a, err := netip.ParseAddrPort(h); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// maxNext bounds the routers that are remembered; the newest are kept.
const maxNext = 2 * MaxHubs

// seen adds routers, and says whether one of them is new.
func (s *State) seen(next []netip.Addr) (fresh bool) {
	for _, a := range next {
		if n := a.WithZone("").String(); !slices.Contains(s.Next, n) {
			s.Next, fresh = append(s.Next, n), true
		}
	}
	s.Next = s.Next[max(0, len(s.Next)-maxNext):]
	return fresh
}

func (s State) next() (out []netip.Addr) {
	for _, n := range s.Next {
		if a, err := netip.ParseAddr(n); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// left is how long the state still holds by the clock of now; never longer than it was
// asked for, also where the clock was set back.
func (s State) left(now time.Time) time.Duration {
	since, err1 := parseWall(s.Since)
	until, err2 := parseWall(s.Until)
	if err1 != nil || err2 != nil {
		return 0
	}
	return max(0, min(until.Sub(now), until.Sub(since)))
}

// load reads the file; without one it gives nil.
func (m *Machine) load() (*State, error) {
	f, err := os.Open(m.File)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, signed.MaxStatement+1))
	if err != nil {
		return nil, err
	}
	s, err := ParseState(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.File, err)
	}
	return &s, nil
}

// save writes the file so that after a crash the old or the new one is there.
func (m *Machine) save(s State) error {
	b, err := signed.Encode(s)
	if err != nil {
		return err
	}
	if _, err := ParseState(b); err != nil {
		return err
	}
	if err := private.MkdirAll(filepath.Dir(m.File), private.Mine); err != nil {
		return err
	}
	return durable.Replace(m.File, b)
}

// forget removes the file.
func (m *Machine) forget() error {
	if err := os.Remove(m.File); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return durable.SyncFolder(filepath.Dir(m.File))
}
