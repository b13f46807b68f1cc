package ledger

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
	"hozen/packager/signed"
	"hozen/service/durable"
	"hozen/service/job"
)

// A record is one line of the file: the clock, and an entry as it is from now on. The
// last line of a job counts.
type record struct {
	Type  string `json:"type"` // hozen/ledger/1
	Seq   int64  `json:"seq"`  // each is one more than that of the line before
	Wall  string `json:"wall"` // when it was written, by the clock on the wall
	Mark  string `json:"mark"`
	Floor string `json:"floor"`
	Last  string `json:"last"`
	Entry *Entry `json:"entry"` // null: a heartbeat
	Why   string `json:"why"`   // of a repair of the clock: who, and why
}

const (
	recordType = "hozen/ledger/1"
	maxLine    = 128 << 10 // an envelope in base64 and what stands around it
	maxFile    = 64 << 20
)

var (
	idPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{3,62}$`)
	hexPattern = regexp.MustCompile(`^([0-9a-f]{32}|[0-9a-f]{64})?$`)
)

// check says what of an entry cannot be.
func (e *Entry) check() (issued, expires time.Time, err error) {
	issued, err = job.ParseTime(e.Issued)
	expires, err2 := job.ParseTime(e.Expires)
	switch {
	case err != nil || err2 != nil:
		err = fault.Join(err, err2)
	case !idPattern.MatchString(e.ID), e.Collection != "" && !idPattern.MatchString(e.Collection):
		err = errors.New("want 4 to 63 of a-z, 0-9, dashes as id")
	case !hexPattern.MatchString(e.Nonce), !hexPattern.MatchString(e.Sum):
		err = errors.New("nonce or sum is not in hex")
	case len(e.Note) > MaxNote, len(e.Envelope) > job.MaxEnvelope:
		err = errors.New("note or envelope too long")
	case follows(e.State) == nil && !slices.Contains([]State{Failed, Done, Delivered, Refused, Cancelled}, e.State):
		err = fmt.Errorf("state %.40q", e.State)
	}
	if err != nil {
		err = fmt.Errorf("ledger: job %.80q: %w", e.ID, err)
	}
	return issued, expires, err
}

func encode(r record) ([]byte, error) {
	b, err := signed.Encode(r)
	if err == nil && len(b) > maxLine {
		err = fmt.Errorf("ledger: a line of %d bytes: over %d", len(b), maxLine)
	}
	return b, err
}

// decode reads what encode wrote, and nothing else.
func decode(line []byte) (r record, c clock, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, c, err
	}
	if again, err := encode(r); err != nil || !bytes.Equal(again, line) {
		return r, c, errors.New("not as it was written")
	}
	if r.Type != recordType {
		return r, c, fmt.Errorf("type %.40q", r.Type)
	}
	for _, f := range []struct {
		text string
		to   *time.Time
	}{{r.Mark, &c.mark}, {r.Floor, &c.floor}, {r.Last, &c.last}} {
		if *f.to, err = job.ParseTime(f.text); err != nil {
			return r, c, err
		}
	}
	if r.Entry != nil {
		_, _, err = r.Entry.check()
	}
	return r, c, err
}

// image is what a file says.
type image struct {
	entries map[string]*Entry
	clock   clock
	seq     int64
	bytes   int64
	torn    int // bytes of an unfinished last line
}

// read reads a ledger. An unfinished last line was never acted upon; anything else that
// is not as it was written is ErrBroken.
func read(from io.Reader) (*image, error) {
	im := &image{entries: map[string]*Entry{}}
	b := bufio.NewReaderSize(io.LimitReader(from, maxFile+1), 64<<10)
	for n := 1; ; n++ {
		line, err := durable.ReadLine(b, maxLine)
		switch {
		case err == io.EOF:
			im.torn = len(line)
			return im, nil
		case err != nil:
			return nil, fmt.Errorf("%w, line %d: %w", ErrBroken, n, err)
		}
		if im.bytes += int64(len(line)); im.bytes > maxFile {
			return nil, fmt.Errorf("%w: over %d bytes", ErrBroken, int64(maxFile))
		}
		r, c, err := decode(line)
		if err == nil && n > 1 && r.Seq != im.seq+1 {
			err = fmt.Errorf("number %d after %d", r.Seq, im.seq)
		}
		if err != nil {
			return nil, fmt.Errorf("%w, line %d: %w", ErrBroken, n, err)
		}
		im.seq, im.clock = r.Seq, c
		if r.Entry != nil {
			im.entries[r.Entry.ID] = r.Entry
		}
		if len(im.entries) > 2*MaxJobs {
			return nil, fmt.Errorf("%w: over %d jobs", ErrBroken, 2*MaxJobs)
		}
	}
}

// list gives copies of entries, oldest first.
func (l *Ledger) list(want func(*Entry) bool) (out []Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if want(e) {
			out = append(out, *e)
		}
	}
	sorting.By(out, func(a, b Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// note bounds a text that comes from elsewhere.
func note(s string) string {
	s = string(bytes.ToValidUTF8([]byte(s), []byte("?")))
	if len(s) <= MaxNote {
		return s
	}
	for s = s[:MaxNote]; !utf8.ValidString(s); {
		s = s[:len(s)-1]
	}
	return s
}
