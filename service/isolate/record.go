package isolate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/private"
	"hozen/service/audit"
	"hozen/service/durable"
)

// CustodyEvent is the change as an event of a custody log, with the rules before and after.
func (c Change) CustodyEvent() packager.Event {
	e := packager.Event{Event: c.Event, Reason: c.Reason, Case: c.Case, Operator: c.Operator}
	for _, f := range append(c.facts(), fact{"before", c.Before.Text}, fact{"after", c.After.Text}) {
		e.Detail = append(e.Detail, packager.EventDetail{Name: f.name, Value: f.value})
	}
	return e
}

// AuditEntry is the change as a line of the audit log, which is short: of the rules it has
// the hashes, and the names of the files that KeepRules puts them in.
func (c Change) AuditEntry() audit.Entry {
	e := audit.Entry{Event: c.Event, Job: c.Job, Operator: c.Operator, Reason: c.Cause, Text: c.Reason}
	for _, f := range append(c.facts(), fact{"case", c.Case}, fact{"rules_before", c.Before.File()}, fact{"rules_after", c.After.File()}) {
		if f.value == "" {
			continue
		}
		e.Detail = append(e.Detail, audit.Detail{Name: f.name, Value: f.value})
	}
	return e
}

type fact struct{ name, value string }

func (c Change) facts() []fact {
	var hubs []string
	for _, h := range c.Hubs {
		hubs = append(hubs, h.String())
	}
	out := []fact{{"cause", c.Cause}, {"changed_at", c.At}, {"verified", fmt.Sprint(c.Verified)},
		{"rules_before_sha256", c.Before.SHA256}, {"rules_after_sha256", c.After.SHA256}}
	for _, f := range []fact{{"until", c.Until}, {"job", c.Job}, {"hubs", strings.Join(hubs, " ")},
		{"others_changed", strings.Join(c.Others, "; ")}, {"not_in_kernel", strings.Join(c.Missing, "; ")},
		{"outside", strings.Join(c.Outside, "; ")}, {"warnings", strings.Join(c.Warnings, "; ")}, {"rivals", strings.Join(c.Rivals, "; ")}} {
		if f.value != "" {
			out = append(out, f)
		}
	}
	return out
}

// File names the file that KeepRules puts Text in, by the SHA-256 of its bytes, in hex; "" if
// there is no text.
func (r Rules) File() string {
	if r.Text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(r.Text))
	return "rules-" + hex.EncodeToString(sum[:]) + ".txt"
}

// KeepRules writes the rules before and after a change into files of their own in a folder,
// each once: a line of the audit log has no room for them.
func (c Change) KeepRules(dir string) error {
	for _, r := range []Rules{c.Before, c.After} {
		if r.Text == "" {
			continue
		}
		name := filepath.Join(dir, r.File())
		if _, err := os.Lstat(name); err == nil {
			continue
		}
		if err := durable.Replace(name, []byte(r.Text)); err != nil {
			return fmt.Errorf("the rules are not kept: %w", err)
		}
	}
	return nil
}

// maxUntold bounds the file of changes that wait to be told, in bytes.
const maxUntold = 16 << 20

func (m *Machine) untold() string { return m.File + ".untold" }

// keep writes a change down for whoever has the audit log open: the service, now or when
// it is started.
func (m *Machine) keep(c Change) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := private.Open(m.untold(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, private.Mine)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size()+int64(len(b)) > maxUntold {
		return fault.Join(err, fmt.Errorf("%s: over %d bytes", m.untold(), maxUntold))
	}
	if _, err := f.Write(append([]byte{'\n'}, b...)); err != nil { // after a line that was cut, a new one begins
		return err
	}
	return f.Sync()
}

// tellUntold tells what was kept, in order, and removes it. It is called with the lock held.
func (m *Machine) tellUntold() error {
	f, err := os.Open(m.untold())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxUntold+1))
	f.Close() // Windows removes no file that is open
	if err != nil {
		return err
	}
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var c Change
		if err := json.Unmarshal(line, &c); err != nil || c.Event != Isolated && c.Event != Rejoined {
			m.Log.Warn("isolation: a change that waited is not understood", "why", err)
			continue
		}
		if err := m.Tell(c); err != nil {
			return fmt.Errorf("a change that waited to be recorded: %w", err)
		}
	}
	return os.Remove(m.untold())
}
