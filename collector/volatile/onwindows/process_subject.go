package onwindows

import (
	"context"
	"fmt"
	"io"

	"hozen/collector/ntapi"
	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
)

// A question is one thing that is asked of a process.
type question struct {
	kind   string // questionProcess and the others
	number uint32 // class or policy
}

// The kinds of questions, with the call's name.
const (
	questionProcess    = "NtQueryInformationProcess"
	questionToken      = "GetTokenInformation"
	questionMitigation = "NtQueryInformationProcess/52"
)

func (q question) String() string { return fmt.Sprintf("%s/%d", q.kind, q.number) }

func askProcess(c ntapi.ProcessClass) question { return question{questionProcess, uint32(c)} }
func askToken(c ntapi.TokenClass) question     { return question{questionToken, uint32(c)} }

// A subject is one process that can be asked: a live one, or what was recorded of one.
type subject interface {
	io.ReaderAt // of its memory: offsets are addresses
	ask(q question) (ntapi.Answer, error)
	regions(ctx context.Context) ([]ntapi.Region, error)
}

// A recorder asks a subject and keeps every answer and every piece of memory, as sections:
// the raw item of a process. Answers are pieces (winsys), because they have pointers.
type recorder struct {
	subject
	raw    []byte
	memory winsys.Pieces
	kept   int // bytes of memory
	cut    bool
}

// maxRecorded bounds the memory that is kept of one process.
const maxRecorded = 4 << 20

func (r *recorder) ask(q question) (ntapi.Answer, error) {
	a, err := r.subject.ask(q)
	var b []byte
	if err == nil {
		b = winsys.Pieces{{Addr: a.Base, Data: a.Data}}.Append(nil)
	}
	r.raw = section.Append(r.raw, q.String(), false, b, err)
	return a, err
}

// ReadAt implements io.ReaderAt.
func (r *recorder) ReadAt(b []byte, at int64) (int, error) {
	n, err := r.subject.ReadAt(b, at)
	switch {
	case n <= 0:
	case r.kept+n > maxRecorded:
		r.cut = true
	default:
		r.kept += n
		r.memory = append(r.memory, winsys.Piece{Addr: uint64(at), Data: append([]byte(nil), b[:n]...)})
	}
	return n, err
}

// bytes gives the whole raw item.
func (r *recorder) bytes() []byte {
	if len(r.memory) > 0 {
		r.raw = section.Append(r.raw, "memory", false, r.memory.Append(nil), nil)
		r.memory = nil
	}
	return r.raw
}
