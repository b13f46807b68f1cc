package custody

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hozen/packager"
	"hozen/packager/signed"
)

// ErrIncomplete is wrapped by Append where an event does not say what its kind demands.
var ErrIncomplete = errors.New("not all is said")

// ErrLog is wrapped by Append where something contradicts the log that is there: only a
// whole copy of it can be gone on with.
var ErrLog = errors.New("custody log")

// Append signs an event of people and appends it to the log of a collection. e.Actor
// is who signs; e says all that its kind demands (packager.EventKinds), and refers to events
// that are there. It gives the event as it stands in the log, and whether a last line that
// was not written whole was taken off. A log that does not verify is left as it is.
func Append(name, id string, by signed.Signer, e packager.Event, now time.Time) (_ packager.Event, cut bool, err error) {
	log, err := packager.ReadLogFile(name)
	if err != nil {
		return e, false, err
	}
	events, _, err := packager.ReadLog(log)
	if err != nil {
		return e, false, fmt.Errorf("%w %s: %w", ErrLog, name, err)
	}
	if err := Check(e, events); err != nil {
		return e, false, err
	}
	return packager.AppendEventTo(name, id, by, e, func(now []packager.Event) error { return Check(e, now) }, now)
}

// Check says why an event of people cannot follow those of a log.
func Check(e packager.Event, events []packager.Event) error {
	kinds := packager.EventKinds()
	if !slices.ContainsFunc(kinds, func(k packager.EventKind) bool { return k.Name == e.Event }) {
		return fmt.Errorf("event %q: want one of %s", e.Event, strings.Join(Names(), ", "))
	}
	if !packager.ValidPrincipal(e.Actor) {
		return fmt.Errorf("%q: want KIND:NAME, with KIND one of %s, NAME of letters, digits, dots, dashes, at most 63", e.Actor, strings.Join(packager.PrincipalKinds(), ", "))
	}
	if m := e.Missing(); len(m) > 0 {
		return fmt.Errorf("event %q: %w: %s", e.Event, ErrIncomplete, strings.Join(m, ", "))
	}
	for i, n := range e.Ref {
		if n < 1 || n > len(events) || slices.Contains(e.Ref[:i], n) {
			return fmt.Errorf("event %q refers to event %d: the log has %d, and each is named once", e.Event, n, len(events))
		}
	}
	if want := map[string]string{"received": "released", "checked_in": "checked_out"}[e.Event]; want != "" {
		for _, n := range e.Ref {
			if events[n-1].Event != want {
				return fmt.Errorf("event %q refers to event %d, which is %q: want %q", e.Event, n, events[n-1].Event, want)
			}
		}
	}
	return nil
}

// Names are the words for what people do, in the order of an archive's life.
func Names() (names []string) {
	for _, k := range packager.EventKinds() {
		names = append(names, k.Name)
	}
	return names
}

// Hash reads a file and gives what an event says of it; name is that without its folder.
func Hash(name string, r io.Reader) (packager.EventObject, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return packager.EventObject{Name: filepath.Base(name), Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// OpenReleases are the events by which an archive was released and nobody received it yet.
func OpenReleases(events []packager.Event) (open []packager.Event) {
	got := map[int]bool{}
	for _, e := range events {
		if e.Event == "received" {
			for _, n := range e.Ref {
				got[n] = true
			}
		}
	}
	for _, e := range events {
		if e.Event == "released" && !got[e.Seq] {
			open = append(open, e)
		}
	}
	return open
}

// Stored is what the log says that the file is now: as it was sealed, recovered, or
// encrypted anew. False: the log does not know (it ends before).
func Stored(events []packager.Event) (o packager.EventObject, known bool) {
	for _, e := range events {
		if slices.Contains([]string{"sealed", "recovered", "reencrypted"}, e.Event) {
			o, known = e.Object, true
		}
	}
	return o, known
}
