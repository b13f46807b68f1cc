package packager

import (
	"fmt"
	"time"

	"hozen/packager/signed"
)

// An Event is one entry of the custody log: what happened to the archive, signed.
type Event struct {
	Type        string        `json:"type"` // hozen/event/1
	Collection  string        `json:"collection"`
	Seq         int           `json:"seq"`  // from 1
	Prev        string        `json:"prev"` // SHA-256 of the line before, without its newline; "" for the first
	Event       string        `json:"event"`
	Actor       string        `json:"actor"`
	Key         string        `json:"key"`
	Time        EventTime     `json:"time"`
	Object      EventObject   `json:"object"`
	Before      *EventObject  `json:"before,omitempty"` // what the object was made of, where it is another file
	Place       string        `json:"place,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Authority   string        `json:"authority,omitempty"` // by what right
	Case        string        `json:"case,omitempty"`
	Evidence    string        `json:"evidence,omitempty"`
	Operator    string        `json:"operator,omitempty"`
	Counterpart string        `json:"counterpart,omitempty"` // who gave it or got it
	Witness     []string      `json:"witness,omitempty"`
	Item        *HostID       `json:"item,omitempty"`
	Thing       *EventThing   `json:"thing,omitempty"`
	Method      *EventMethod  `json:"method,omitempty"`
	Ref         []int         `json:"ref,omitempty"`     // seq of earlier events that this one answers or corrects
	Changes     string        `json:"changes,omitempty"` // what was changed by it, and why that could not be avoided
	Verdict     string        `json:"verdict,omitempty"`
	Attach      []FileHash    `json:"attach,omitempty"` // files beside it: photographs, forms; by name and hash
	Detail      []EventDetail `json:"detail,omitempty"`
}

// EventThing is what can be held of the evidence: the machine, a disk, a stick, as a
// person describes it.
type EventThing struct {
	Description string `json:"description,omitempty"`
	Make        string `json:"make,omitempty"`
	Model       string `json:"model,omitempty"`
	Serial      string `json:"serial,omitempty"`
	Asset       string `json:"asset,omitempty"` // the owner's own tag
	PowerState  string `json:"power_state,omitempty"`
	SealNo      string `json:"seal_no,omitempty"` // of the bag or box it lies in
}

// EventTime is when an event happened, by the clocks of the machine that wrote it.
type EventTime struct {
	Wall   string `json:"wall"`
	Zone   string `json:"zone"`
	MonoNS int64  `json:"mono_ns"`
	BootID string `json:"boot_id"`
	// Sources are other clocks that were asked; the machine's own is never set.
	Sources    []ClockSource `json:"sources,omitempty"`
	MaxErrorMS int64         `json:"max_error_ms,omitempty"` // bound of the error of Wall, as far as Sources tell
}

// ClockSource is what another clock said.
type ClockSource struct {
	Kind     string `json:"kind"`      // ntp, tsa or hub
	ID       string `json:"id"`        // its address
	OffsetMS int64  `json:"offset_ms"` // its time less Wall
	RTTMS    int64  `json:"rtt_ms"`    // round trip
}

// EventObject is what the event is about: the stored bytes of the archive, up to
// where they were at that moment.
type EventObject struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// EventMethod is the program that acted.
type EventMethod struct {
	Tool    string   `json:"tool"`
	Command []string `json:"command"`
}

// EventDetail is a fact of one kind of event.
type EventDetail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// The agent's own events.
const (
	eventStarted    = "started"
	eventCheckpoint = "checkpoint"
	eventSealed     = "sealed"
	eventRecovered  = "recovered"
	eventAttached   = "attached"
	// eventReencrypted is of people: the stored bytes are others from here on.
	eventReencrypted = "reencrypted"
)

const typeEvent = "hozen/event/1"

// Fact gives the value of a detail, "" if there is none.
// Not inlined, for the size of the program.
//
//go:noinline
func (e *Event) Fact(name string) string {
	for _, d := range e.Detail {
		if d.Name == name {
			return d.Value
		}
	}
	return ""
}

// A logLine is one line of the log as it is stored.
type logLine struct {
	Payload string `json:"payload"`
	Sig     string `json:"sig"`
}

// LogName gives the name of a collection's custody log.
func LogName(id string) string { return id + ".custody.jsonl" }

// A custodyLog appends signed events, each with one write and one flush.
type custodyLog struct {
	file  File
	began time.Time
	base  Event // what all events share
	seq   int
	prev  string
}

// append completes events, signs them and writes them at once.
func (l *custodyLog) append(by signed.Signer, now time.Time, events ...Event) error {
	var text []byte
	seq, prev := l.seq, l.prev
	for _, e := range events {
		line, err := l.line(by, now, seq+1, prev, e)
		if err != nil {
			return err
		}
		text = append(text, line...)
		seq, prev = seq+1, signed.HexSum(line[:len(line)-1])
	}
	if _, err := l.file.Write(text); err != nil {
		return fmt.Errorf("custody log: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("custody log: %w", err)
	}
	l.seq, l.prev = seq, prev
	return nil
}

// logAsDevice appends events that the device signs.
func (w *Writer) logAsDevice(at time.Time, events ...Event) error {
	by, err := w.o.Device.by()
	if err != nil {
		return err
	}
	return w.log.append(by, at, events...)
}

// line gives the line of an event.
func (l *custodyLog) line(by signed.Signer, now time.Time, seq int, prev string, e Event) ([]byte, error) {
	e.Type, e.Collection = typeEvent, l.base.Collection
	e.Seq, e.Prev, e.Key, e.Actor = seq, prev, signed.PublicText(by.Public()), l.base.Actor
	asked, bound := e.Time.Sources, e.Time.MaxErrorMS
	e.Time = l.base.Time
	e.Time.Sources, e.Time.MaxErrorMS = asked, bound
	e.Time.Wall, e.Time.MonoNS = signed.Wall(now), now.Sub(l.began).Nanoseconds()
	payload, err := signed.Encode(e)
	if err != nil {
		return nil, err
	}
	sig, err := by.Sign(signed.Event, payload)
	if err != nil {
		return nil, err
	}
	return signed.Encode(logLine{string(payload), string(sig)})
}
