package packager

import (
	"crypto"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"
)

// An Event is one entry of the custody log: what happened to the archive, signed.
type Event struct {
	Type       string        `json:"type"` // hozen/event/1
	Collection string        `json:"collection"`
	Seq        int           `json:"seq"`  // from 1
	Prev       string        `json:"prev"` // SHA-256 of the line before, without its newline; "" for the first
	Event      string        `json:"event"`
	Actor      string        `json:"actor"`
	Key        string        `json:"key"`
	Time       EventTime     `json:"time"`
	Object     EventObject   `json:"object"`
	Place      string        `json:"place,omitempty"`
	Reason     string        `json:"reason,omitempty"`
	Case       string        `json:"case,omitempty"`
	Evidence   string        `json:"evidence,omitempty"`
	Operator   string        `json:"operator,omitempty"`
	Witness    []string      `json:"witness,omitempty"`
	Item       *HostID       `json:"item,omitempty"`
	Method     *EventMethod  `json:"method,omitempty"`
	Verdict    string        `json:"verdict,omitempty"`
	Detail     []EventDetail `json:"detail,omitempty"`
}

// EventTime is when an event happened, by the clocks of the machine that wrote it.
type EventTime struct {
	Wall   string `json:"wall"`
	Zone   string `json:"zone"`
	MonoNS int64  `json:"mono_ns"`
	BootID string `json:"boot_id"`
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
)

const typeEvent = "hozen/event/1"

// Fact gives the value of a detail, "" if there is none.
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

// append completes the event, signs it with key and writes it.
func (l *custodyLog) append(e Event, key crypto.Signer, now time.Time) error {
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return err
	}
	e.Type, e.Collection = typeEvent, l.base.Collection
	e.Seq, e.Prev, e.Key, e.Actor = l.seq+1, l.prev, publicText(pub), l.base.Actor
	e.Time = l.base.Time
	e.Time.Wall, e.Time.MonoNS = wall(now), now.Sub(l.began).Nanoseconds()
	payload, err := encodeStatement(e)
	if err != nil {
		return err
	}
	sig, err := signWith(key, nsEvent, payload)
	if err != nil {
		return err
	}
	line, err := encodeStatement(logLine{string(payload), string(sig)})
	if err != nil {
		return err
	}
	if _, err := l.file.Write(line); err != nil {
		return fmt.Errorf("custody log: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("custody log: %w", err)
	}
	l.seq, l.prev = e.Seq, hexSum(line[:len(line)-1])
	return nil
}
