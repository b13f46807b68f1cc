package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
	"hozen/service/durable"
)

// A Head is where a log ends: what an auditor writes down, so that nobody can cut lines
// off later.
type Head struct {
	Seq   int64  // of the last line; 0 if there is none
	Hash  string // SHA-256 of the last line without its newline, in hex
	Bytes int64  // of whole lines
}

// ErrInvalid is wrapped when a log is not as the device wrote it.
var ErrInvalid = errors.New("audit log not valid")

// ErrOtherKey is wrapped, too, when another device key signed.
var ErrOtherKey = errors.New("by another key")

// CheckEnd says why a device with this key cannot go on with a log; nil: it can, or there
// is none. Only the last line is looked at.
func CheckEnd(name string, key ssh.PublicKey) error {
	_, _, err := lastLine(name, key)
	return err
}

// Verify reads a log and checks every line: its encoding, its place in the chain, and its
// signature by key (the device's, which the caller trusts). each, if not nil, gets every
// entry that was verified; an error of it ends the reading. An unfinished last line is no
// fault: torn is how many bytes it has.
func Verify(from io.Reader, key ssh.PublicKey, each func(Entry) error) (head Head, torn int, err error) {
	b := bufio.NewReaderSize(from, 64<<10)
	for {
		raw, err := durable.ReadLine(b, maxLine)
		switch {
		case err == io.EOF:
			return head, len(raw), nil
		case err != nil:
			return head, 0, fmt.Errorf("%w, line %d: %w", ErrInvalid, head.Seq+1, err)
		}
		e, err := parse(raw, key)
		switch {
		case err != nil:
		case e.Seq != head.Seq+1:
			err = fmt.Errorf("number %d after %d", e.Seq, head.Seq)
		case e.Prev != head.Hash:
			err = errors.New("it does not follow the line before")
		}
		if err != nil {
			return head, 0, fmt.Errorf("%w, line %d: %w", ErrInvalid, head.Seq+1, err)
		}
		head = Head{Seq: e.Seq, Hash: signed.HexSum(raw[:len(raw)-1]), Bytes: head.Bytes + int64(len(raw))}
		if each == nil {
			continue
		}
		if err := each(e); err != nil {
			return head, 0, err
		}
	}
}

// Parse reads one line, newline included, and checks its encoding and its signature by
// key; not its place in the chain.
func Parse(raw []byte, key ssh.PublicKey) (Entry, error) {
	e, err := parse(raw, key)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return e, err
}

func parse(raw []byte, key ssh.PublicKey) (e Entry, err error) {
	if len(raw) > maxLine {
		return e, fmt.Errorf("over %d bytes", maxLine)
	}
	var l line
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return e, err
	}
	if again, err := signed.Encode(l); err != nil || !bytes.Equal(again, raw) {
		return e, errors.New("not as it was written")
	}
	if err := signed.Decode([]byte(l.Payload), &e); err != nil {
		return e, err
	}
	switch {
	case e.Type != Type:
		return e, fmt.Errorf("type %.40q", e.Type)
	case e.Detail == nil:
		return e, errors.New("detail is null")
	case e.Key != signed.PublicText(key):
		return e, ErrOtherKey
	}
	return e, signed.Check(key, signed.Audit, []byte(l.Payload), []byte(l.Sig))
}

// lastLine finds where a file's whole lines end, and checks the last of them.
func lastLine(name string, key ssh.PublicKey) (head Head, torn []byte, err error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return head, nil, nil
	}
	if err != nil {
		return head, nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return head, nil, err
	}
	tail := make([]byte, min(st.Size(), 2*maxLine))
	if _, err := f.ReadAt(tail, st.Size()-int64(len(tail))); err != nil && err != io.EOF {
		return head, nil, err
	}
	end := bytes.LastIndexByte(tail, '\n') + 1
	torn = tail[end:]
	if len(torn) > maxLine {
		return head, nil, fmt.Errorf("%w: its last line has over %d bytes", ErrInvalid, maxLine)
	}
	if end == 0 {
		return head, torn, nil
	}
	last := tail[bytes.LastIndexByte(tail[:end-1], '\n')+1 : end]
	e, err := Parse(last, key)
	return Head{Seq: e.Seq, Hash: signed.HexSum(last[:len(last)-1]), Bytes: st.Size() - int64(len(torn))}, torn, err
}
