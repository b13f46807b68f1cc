package packager

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
	"hozen/packager/text"
)

// Texts of an event that are longer than longDetail bytes stand in lines of their own
// before it, in pieces of at most pieceDetail bytes; of one longer than maxDetail only so
// much is kept, and that is said.
const (
	longDetail  = 4 << 10
	pieceDetail = 8 << 10
	maxDetail   = 1 << 20
	// maxLate is how many events may wait for the end of a blackout.
	maxLate = 64
)

var (
	eventPattern  = regexp.MustCompile(`^[a-z][a-z_]{1,31}$`)
	detailPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
)

// Event appends an event to the custody log while the archive is written, signed by the
// device key. Of e are taken: Event, Place, Reason, Case, Evidence, Operator, Witness,
// Item, Method, Verdict, Detail; its object is the archive up to its last checkpoint.
// The names started, checkpoint, sealed, recovered and attached are the writer's own. A
// detail of any length may be given; a long one is stored as FORMAT.md section 9 says.
//
// During a blackout there is no key: the event is signed when that ends, with the time of
// this call; a power cut before loses it. After an error that is not about e itself,
// nothing more can be kept.
func (w *Writer) Event(e Event) error {
	e, attached, err := prepared(e)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.alive(); err != nil {
		return err
	}
	e.Object = EventObject{Name: w.name(), Bytes: w.safe.Bytes, SHA256: w.safe.SHA256}
	late := lateEvent{append(attached, e), w.o.Now()}
	if w.dark != nil && w.dark.out {
		if len(w.late) >= maxLate {
			return fmt.Errorf("event %q: %d others wait for the device key", e.Event, len(w.late))
		}
		w.late = append(w.late, late)
		return nil
	}
	return w.note(w.logLate(late))
}

// lateEvent is an event with what is attached to it, in the order of the log.
type lateEvent struct {
	events []Event
	at     time.Time
}

func (w *Writer) logLate(l lateEvent) error {
	for i := range l.events {
		l.events[i].Object = l.events[len(l.events)-1].Object
	}
	return w.logAsDevice(l.at, l.events...)
}

// AppendEvent is AppendEventBy by a device; where e has no Actor, that is d ("device:<name>").
func AppendEvent(dir, id string, d Device, e Event, now time.Time) error {
	by, err := d.by()
	if err != nil {
		return err
	}
	if e.Actor == "" {
		e.Actor = "device:" + d.Name
	}
	return AppendEventBy(dir, id, by, e, now)
}

// AppendEventBy appends an event to the custody log of a collection that is not being
// written: after its seal, or after a crash. It checks the chain that is there, takes off
// a last line that was not written whole, and writes once and flushes. e.Actor is the
// principal of who signs ("operator:<name>", …). Where e has no Object, it is that of the
// event before. The rest is as Writer.Event says. ErrInUse says that the collection still
// runs; for another program that signs into the log it waits a few seconds (ErrSigning).
func AppendEventBy(dir, id string, by signed.Signer, e Event, now time.Time) error {
	_, _, err := AppendEventTo(filepath.Join(dir, LogName(id)), id, by, e, nil, now)
	return err
}

// AppendEventTo is AppendEventBy for a log of any name. check, if there is one, is asked with the
// events that are there while nobody else signs; its error leaves the log as it is. It gives the
// event as it stands in the log, and whether a last line that was not written whole was taken
// off, also where signing failed then.
func AppendEventTo(name, id string, by signed.Signer, e Event, check func([]Event) error, now time.Time) (done Event, cut bool, err error) {
	if e.Actor == "" {
		return e, false, fmt.Errorf("event %q: nobody is said to have done it", e.Event)
	}
	if !ValidID(id) {
		return e, false, fmt.Errorf("collection id %q", id)
	}
	e, attached, err := prepared(e)
	if err != nil {
		return e, false, err
	}
	f, err := openBusy(name, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return e, false, err
	}
	done, cut, err = appendTo(f, id, by, append(attached, e), check, now)
	return done, cut, fault.Join(err, f.Close())
}

// ErrSigning says that another program signs into the log of a collection that has ended.
var ErrSigning = errors.New("another program is signing into it")

const (
	signingWait  = 15 * time.Second
	signingRetry = 20 * time.Millisecond
)

// lockLog takes the log. A running collection has it for as long as it runs, and is not
// waited for; other programs have it for one event each, unless somebody must touch a key.
func lockLog(f *os.File) error {
	err := lockFile(f)
	if !errors.Is(err, ErrInUse) {
		return err
	}
	events, _, wrong := readLogOf(f)
	if wrong != nil || !slices.ContainsFunc(events, func(e Event) bool { return e.Event == eventSealed || e.Event == eventRecovered }) {
		return err
	}
	for end := time.Now().Add(signingWait); time.Now().Before(end); time.Sleep(signingRetry) {
		if err = lockFile(f); !errors.Is(err, ErrInUse) {
			return err
		}
	}
	return &os.PathError{Op: "lock", Path: f.Name(), Err: ErrSigning}
}

// readLogOf reads an open log without moving in it.
func readLogOf(f *os.File) (events []Event, cut bool, err error) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, maxLog))
	if err != nil {
		return nil, false, err
	}
	return readLog(b)
}

// appendTo appends events, of which the last is what happened, to an open log.
func appendTo(f *os.File, id string, by signed.Signer, events []Event, check func([]Event) error, now time.Time) (done Event, cut bool, err error) {
	e := events[len(events)-1]
	if err := lockLog(f); err != nil {
		return e, false, err
	}
	log, err := io.ReadAll(io.LimitReader(f, maxLog+1))
	if err != nil {
		return e, false, err
	}
	before, half, err := readLog(log)
	switch {
	case err != nil:
		return e, false, err
	case len(before) == 0:
		return e, false, fmt.Errorf("custody log %s: no event in it", LogName(id))
	case before[0].Collection != id:
		return e, false, fmt.Errorf("custody log %s: of collection %q", LogName(id), before[0].Collection)
	}
	if check != nil {
		if err := check(before); err != nil {
			return e, false, err
		}
	}
	if half {
		if err := os.Truncate(f.Name(), int64(strings.LastIndexByte(string(log), '\n')+1)); err != nil {
			return e, false, err
		}
	}
	if e.Object == (EventObject{}) {
		e.Object = before[len(before)-1].Object
	}
	for i := range events {
		events[i].Object = e.Object
	}
	l := &custodyLog{file: f, began: now, seq: len(before), prev: lastLineSum(log), base: Event{
		Collection: id, Actor: e.Actor, Time: EventTime{Zone: e.Time.Zone, BootID: e.Time.BootID},
	}}
	if l.base.Time.Zone == "" {
		l.base.Time.Zone = now.Format("MST -0700")
	}
	if err := l.append(by, now, events...); err != nil {
		return e, half, err
	}
	after, _, err := readLogOf(f)
	if err == nil && len(after) <= len(before) {
		err = errors.New("the event is not there")
	}
	if err != nil {
		return e, half, fmt.Errorf("custody log %s: read again: %w", LogName(id), err)
	}
	return after[len(after)-1], half, nil
}

// prepared checks an event that is not the writer's own, and takes long texts out of it.
func prepared(e Event) (_ Event, attached []Event, err error) {
	own := []string{eventStarted, eventCheckpoint, eventSealed, eventRecovered, eventAttached}
	if !eventPattern.MatchString(e.Event) || slices.Contains(own, e.Event) {
		return e, nil, fmt.Errorf("event %q: not a name, or one of the writer's own", e.Event)
	}
	var details []EventDetail
	for _, d := range e.Detail {
		if !detailPattern.MatchString(d.Name) {
			return e, nil, fmt.Errorf("event %q: detail %q: not a name", e.Event, d.Name)
		}
		if len(d.Value) <= longDetail {
			d.Value = strings.ToValidUTF8(d.Value, "\uFFFD")
			details = append(details, d)
			continue
		}
		more, lines := attach(d)
		details, attached = append(details, more...), append(attached, lines...)
	}
	e.Detail = details
	if b, err := signed.Encode(e); err != nil || len(b) > signed.MaxStatement-4096 {
		return e, nil, fmt.Errorf("event %q: of %d bytes, too long for one line (%v)", e.Event, len(b), err)
	}
	return e, attached, nil
}

// attach puts a long text into events of its own. What is left of it in its event names
// the whole by hash and length.
func attach(d EventDetail) (left []EventDetail, lines []Event) {
	sum := signed.HexSum([]byte(d.Value))
	text := strings.ToValidUTF8(d.Value[:min(len(d.Value), maxDetail)], "\uFFFD")
	for n := 1; text != ""; n++ {
		end := min(len(text), pieceDetail)
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end--
		}
		lines = append(lines, Event{Event: eventAttached, Detail: []EventDetail{
			{"of", sum}, {"name", d.Name}, {"piece", fmt.Sprint(n)}, {"text", text[:end]},
		}})
		text = text[end:]
	}
	left = []EventDetail{{d.Name + "_sha256", sum}, {d.Name + "_bytes", fmt.Sprint(len(d.Value))}, {d.Name + "_pieces", fmt.Sprint(len(lines))}}
	if len(d.Value) > maxDetail {
		left = append(left, EventDetail{d.Name + "_cut", fmt.Sprint(maxDetail)})
	}
	return left, lines
}

// DetailText gives the text of a detail of an event, also where it was so long that it
// stands in lines before it. events are those of its log, up to it at least. Of a text
// that was cut, what was kept is given with an error.
func DetailText(events []Event, e *Event, name string) (string, error) {
	sum := e.Fact(name + "_sha256")
	if sum == "" || e.Fact(name+"_pieces") == "" {
		return e.Fact(name), nil
	}
	var b strings.Builder
	n := 0
	for i := range events {
		p := &events[i]
		if p.Seq >= e.Seq || p.Event != eventAttached || p.Key != e.Key || p.Fact("of") != sum || p.Fact("name") != name {
			continue
		}
		// A text that was attached twice begins anew.
		if p.Fact("piece") == "1" {
			b.Reset()
			n = 0
		}
		if n++; p.Fact("piece") == fmt.Sprint(n) {
			b.WriteString(p.Fact("text"))
		}
	}
	all := b.String()
	switch {
	case e.Fact(name+"_pieces") != fmt.Sprint(n):
		return all, fmt.Errorf("event %d (%s): %d of %s pieces of %q", e.Seq, text.Word(e.Event), n, text.Name(e.Fact(name+"_pieces")), name)
	case signed.HexSum([]byte(all)) != sum:
		return all, fmt.Errorf("event %d (%s): %q was cut, or was not UTF-8", e.Seq, text.Word(e.Event), name)
	}
	return all, nil
}
