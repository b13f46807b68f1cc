// Package audit is the signed local log of the resident agent: what it was asked, what it
// decided and what it did. Each line is {"payload","sig"}: the payload is an Entry in the
// encoding of package signed, with the hash of the line before; the signature is the
// device key's, in the namespace hozen-audit-v1, so that `ssh-keygen -Y verify` reads it.
// Begin with Log.Append; verify.go is for auditors, flood.go bounds what strangers can
// make us write.
//
// Lines are never removed, and never changed. That the newest ones were cut off cannot be
// seen in the log alone; the hub has those about jobs, too.
package audit

import (
	"crypto"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"hozen/packager/evidence/fault"
	"hozen/packager/private"
	"hozen/packager/signed"
	"hozen/service/durable"
)

// Type names version 1 of an entry.
const Type = "hozen/audit/1"

// Events. Those about jobs have the words of protocol.DeviceStatus.
const (
	Accepted  = "accepted"
	Refused   = "refused"
	Started   = "started"
	Sealed    = "sealed"
	Partial   = "partial"
	Failed    = "failed"
	Done      = "done" // a job without a collection
	Cancelled = "cancelled"
	Delivered = "delivered" // with the receipt, or what the destination gives for one
	Isolated  = "isolated"
	Rejoined  = "rejoined"
	Enrolled  = "enrolled"
	Trusted   = "trust_pinned"
	Vetoed    = "veto" // the veto file came or went
	Repaired  = "clock_repaired"
	Began     = "service_started"
	Ended     = "service_stopped"
	LeftOut   = "refusals_left_out" // how many refusals have no line of their own
	TornLine  = "torn"              // an unfinished last line was taken away; Digest is its hash
)

// An Entry is what a line says. The caller fills in Event and what belongs to it; texts
// may be hostile: Append escapes and bounds them.
type Entry struct {
	Type       string   `json:"type"`
	Device     string   `json:"device"`
	Seq        int64    `json:"seq"`  // from 1
	Prev       string   `json:"prev"` // SHA-256 of the line before, without its newline; "" for the first
	Event      string   `json:"event"`
	Job        string   `json:"job"`      // its id; of what could be read of a refused one
	Digest     string   `json:"digest"`   // SHA-256 of the envelope as it came, in hex
	Operator   string   `json:"operator"` // as the job says; proved only if it was accepted
	Collection string   `json:"collection"`
	Reason     string   `json:"reason"` // a word for programs
	Text       string   `json:"text"`   // for people
	Detail     []Detail `json:"detail"`
	Key        string   `json:"key"`  // the device key
	Time       string   `json:"time"` // the clock on the wall
}

// A Detail is one more fact of an event.
type Detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Bounds on texts, in bytes after escaping.
const (
	maxWord   = 128
	maxText   = 1024
	maxDetail = 32
)

// A line is one line of the file.
type line struct {
	Payload string `json:"payload"`
	Sig     string `json:"sig"`
}

const (
	maxLine = 128 << 10 // bytes of a line that is read
	// maxWritten bounds a line that is written: the hub takes no longer ones
	// (protocol.MaxLine). Room is left for the signature.
	maxWritten = 16 << 10
	maxPayload = maxWritten - 2<<10 // of the payload as a text in JSON
)

// A Log may be open in several processes: a lock beside the file orders their lines. Its
// methods may be called concurrently.
type Log struct {
	mu     sync.Mutex
	name   string
	device string
	key    crypto.Signer
	public ssh.PublicKey
	open   func(name string) (File, error)
	file   File
	head   Head
	flood  flood
	broken bool // a write failed: where the file ends is not known
	closed bool
}

// A File is what the log needs of an open file. A test breaks each of its calls in turn.
type File interface {
	io.WriteCloser
	Sync() error // to the medium
}

// Open opens a log, or begins one. Only its end is read; what stands before is verified
// by Verify. An unfinished last line, of a write that was cut, is taken away, and a
// signed line says so.
func Open(name, device string, key crypto.Signer) (*Log, error) {
	l := &Log{name: name, device: device, key: key, open: appendTo}
	var err error
	if l.public, err = ssh.NewPublicKey(key.Public()); err != nil {
		return nil, fmt.Errorf("audit %s: %w", name, err)
	}
	unlock, err := l.locked()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := l.load(time.Now()); err != nil {
		return nil, err
	}
	return l, nil
}

func appendTo(name string) (File, error) {
	return private.Open(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, private.Mine)
}

// Append signs an event and writes it, with one write and one flush. It gives the line,
// newline included, which the hub gets, too; nil if a refusal was only counted.
func (l *Log) Append(e Entry, now time.Time) ([]byte, error) {
	unlock, err := l.locked()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := l.ready(now); err != nil {
		return nil, err
	}
	if err := l.tellLeft(now); err != nil {
		return nil, err
	}
	if e.Event == Refused && !l.flood.admit(e, now, l.head.Bytes) {
		return nil, nil
	}
	return l.write(e, now)
}

// Beat writes about refusals that were only counted, when it is time for that. It is to
// be called every few minutes.
func (l *Log) Beat(now time.Time) error {
	unlock, err := l.locked()
	if err != nil {
		return err
	}
	defer unlock()
	if err := l.ready(now); err != nil {
		return err
	}
	return l.tellLeft(now)
}

func (l *Log) tellLeft(now time.Time) error {
	left := l.flood.due(now, l.head.Bytes)
	if left == nil {
		return nil
	}
	if _, err := l.write(*left, now); err != nil {
		return err
	}
	l.flood.told()
	return nil
}

// Close writes what was only counted, and lets go of the file.
func (l *Log) Close(now time.Time) error {
	unlock, err := l.locked()
	if err != nil {
		return err
	}
	defer unlock()
	if l.closed {
		return nil
	}
	err = l.ready(now)
	if left := l.flood.summary(); err == nil && left != nil {
		_, err = l.write(*left, now)
	}
	l.closed = true
	if l.file != nil {
		err = fault.Join(err, l.file.Close())
	}
	return err
}

// Head says how far the log has got.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

func (l *Log) write(e Entry, now time.Time) ([]byte, error) {
	e.Type, e.Device, e.Key, e.Time = Type, l.device, signed.PublicText(l.public), signed.Wall(now)
	e.Seq, e.Prev = l.head.Seq+1, l.head.Hash
	payload, err := e.payload()
	if err != nil {
		return nil, err
	}
	sig, err := signed.Sign(l.key, signed.Audit, payload)
	if err != nil {
		return nil, fmt.Errorf("audit %s: %w", l.name, err)
	}
	b, err := signed.Encode(line{string(payload), string(sig)})
	if err != nil {
		return nil, err
	}
	n, err := l.file.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		l.broken = true
		return nil, fmt.Errorf("audit %s: %w", l.name, err)
	}
	l.head = Head{Seq: e.Seq, Hash: signed.HexSum(b[:len(b)-1]), Bytes: l.head.Bytes + int64(n)}
	return b, nil
}

// ready makes a log usable again after a write that failed, or that another process made.
func (l *Log) ready(now time.Time) error {
	if l.closed {
		return fmt.Errorf("audit %s: %w", l.name, os.ErrClosed)
	}
	if st, err := os.Stat(l.name); err == nil && st.Size() == l.head.Bytes && !l.broken {
		return nil
	}
	return l.load(now)
}

// locked holds the lock that orders the lines of several processes.
func (l *Log) locked() (unlock func(), err error) {
	l.mu.Lock()
	held, err := durable.Lock(l.name + ".lock")
	if err != nil {
		l.mu.Unlock()
		return nil, fmt.Errorf("audit: %w", err)
	}
	return func() {
		_ = held.Close() // the lock ends with the file in any case
		l.mu.Unlock()
	}, nil
}

// Name gives the file of the log.
func (l *Log) Name() string { return l.name }

// load finds the end of the file, and takes an unfinished line away.
func (l *Log) load(now time.Time) error {
	l.broken = true
	if l.file != nil {
		_ = l.file.Close() // what it could not write is found out by reading
		l.file = nil
	}
	head, torn, err := lastLine(l.name, l.public)
	if err != nil {
		return fmt.Errorf("audit %s: %w", l.name, err)
	}
	if len(torn) > 0 {
		if err := os.Truncate(l.name, head.Bytes); err != nil {
			return fmt.Errorf("audit %s: %w", l.name, err)
		}
	}
	if l.file, err = l.open(l.name); err != nil {
		return fmt.Errorf("audit %s: %w", l.name, err)
	}
	if err := durable.SyncFolder(filepath.Dir(l.name)); err != nil {
		return fmt.Errorf("audit %s: %w", l.name, err)
	}
	l.head, l.broken = head, false
	if len(torn) == 0 {
		return nil
	}
	_, err = l.write(Entry{Event: TornLine, Digest: signed.HexSum(torn), Text: fmt.Sprintf("an unfinished line of %d bytes was taken away", len(torn))}, now)
	return err
}

// payload is the text that is signed, its texts as long as they may be for the line not
// to become too long: every quote and backslash takes four bytes there.
func (e Entry) payload() (payload []byte, err error) {
	for most := maxText; ; most /= 2 {
		if payload, err = signed.Encode(e.bounded(most)); err != nil {
			return nil, err
		}
		text, err := signed.Encode(string(payload))
		if err != nil || len(text) <= maxPayload || most < 16 {
			return payload, err
		}
	}
}

// bounded makes the texts of an entry harmless, and those that are no words at most most
// bytes long.
func (e Entry) bounded(most int) Entry {
	for _, s := range []*string{&e.Event, &e.Job, &e.Digest, &e.Operator, &e.Collection, &e.Reason} {
		*s = harmless(*s, maxWord)
	}
	e.Text = harmless(e.Text, most)
	detail := make([]Detail, 0, min(len(e.Detail), maxDetail))
	for _, d := range e.Detail[:min(len(e.Detail), maxDetail)] {
		detail = append(detail, Detail{harmless(d.Name, min(most, maxWord)), harmless(d.Value, most)})
	}
	e.Detail = detail
	return e
}

// harmless escapes what is no shown character as \xNN or \u{N}, doubles backslashes, and
// cuts a text that is too long, which then ends in "…".
func harmless(s string, most int) string {
	const more = "…"
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		var next string
		switch {
		case r == utf8.RuneError && n == 1, r < 0x20, r == 0x7f:
			next = fmt.Sprintf(`\x%02x`, s[0])
		case r == '\\':
			next = `\\`
		case unicode.IsPrint(r):
			next = s[:n]
		default:
			next = fmt.Sprintf(`\u{%x}`, r)
		}
		if b.Len()+len(next) > most-len(more) {
			return b.String() + more
		}
		b.WriteString(next)
		s = s[n:]
	}
	return b.String()
}
