package onwindows

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sys/windows"

	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
)

// live is the running Windows. It remembers the tables of sockets: who owns them is
// asked for row by row.
type live struct {
	mu     sync.Mutex
	tables map[string][]byte
}

func thisSystem() system { return &live{tables: map[string][]byte{}} }

// answer implements system.
func (l *live) answer(ctx context.Context, name string) ([]byte, error) {
	call, ok := l.calls()[name]
	if !ok {
		return nil, evidence.Skip("%s: nothing asks for it", name)
	}
	b, err := call(ctx)
	return b, winsys.Unanswered(err)
}

// A call fetches the bytes of one answer.
type call func(ctx context.Context) ([]byte, error)

// calls is who fetches what.
func (l *live) calls() map[string]call {
	all := map[string]call{}
	for _, some := range []map[string]call{l.socketCalls(), l.networkCalls(), kernelCalls(), l.sessionCalls()} {
		for name, c := range some {
			all[name] = c
		}
	}
	return all
}

// lazy gives a function of a DLL of the system directory, or an error where this
// Windows does not have it. The library stays loaded.
func lazy(dll, name string) (*windows.LazyProc, error) {
	p := windows.NewLazySystemDLL(dll).NewProc(name)
	if err := p.Find(); err != nil {
		return nil, evidence.NotHere("this Windows has no %s in %s: %v", name, dll, err)
	}
	return p, nil
}

// maxAnswer bounds one answer.
const maxAnswer = 64 << 20

// grow calls ask with a buffer until it is large enough: ask gives the size that is
// needed and an error that says so (ERROR_INSUFFICIENT_BUFFER, ERROR_BUFFER_OVERFLOW,
// ERROR_MORE_DATA). Tables grow between two calls.
func grow(size uint32, ask func(buf *byte, size *uint32) error) ([]byte, error) {
	for {
		b := make([]byte, max(size, 8))
		n := uint32(len(b))
		err := ask(&b[0], &n)
		switch err {
		case nil:
			return b[:min(int(n), len(b))], nil
		case windows.ERROR_INSUFFICIENT_BUFFER, windows.ERROR_BUFFER_OVERFLOW, windows.ERROR_MORE_DATA:
		default:
			return nil, err
		}
		size = max(n, uint32(len(b))) + 4096
		if size > maxAnswer {
			return nil, evidence.Cut("over %d bytes", maxAnswer)
		}
	}
}

// code turns the result of a function that returns an error code into an error.
func code(r uintptr, _ uintptr, _ error) error {
	if r == 0 {
		return nil
	}
	return windows.Errno(r)
}

// named says which call an error is from.
func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
