package volatile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
)

const (
	maxNetlinkDump  = 128 << 20        // bytes of one dump; more is cut and said
	netlinkPatience = 10 * time.Second // of one dump
	netlinkChunk    = 64 << 10         // the kernel builds dumps in buffers of at most 32 KiB
)

// errDumpInterrupted says that the kernel's table changed under the dump
// (NLM_F_DUMP_INTR): entries may be missing or twice. What came is kept.
var errDumpInterrupted = evidence.Gone("the table changed while the kernel gave it out (NLM_F_DUMP_INTR): entries may be missing or double")

// A nlSocket is a netlink socket that belongs to one network namespace. It is
// safe for concurrent use: a question that is left behind by its fill holds up
// Close, so that the descriptor is never another file's meanwhile.
type nlSocket struct {
	mu  sync.Mutex
	fd  int
	seq uint32
	raw []byte // room for an answer: most are small
}

// openNetNS opens a namespace by the ways it was found, and checks that what
// was opened is the very namespace: a pid may have been used again meanwhile.
// The caller closes the file.
func openNetNS(h *collector.Host, ns netNS) (*os.File, error) {
	var first error
	for _, p := range append([]string{ns.Path}, ns.Others...) {
		f, err := h.OpenFollow(p)
		if err == nil {
			var st unix.Stat_t
			if err = unix.Fstat(int(f.Fd()), &st); err == nil && st.Ino == ns.Inode {
				return f, nil
			}
			f.Close()
			if err == nil {
				err = evidence.Gone("%s: not network namespace %d any more", p, ns.Inode)
			}
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// dialNetlink opens a netlink socket inside a namespace. The calling goroutine's
// thread is in that namespace only for the call of socket(2).
func dialNetlink(h *collector.Host, ns netNS, family int) (*nlSocket, error) {
	if !h.Live {
		return nil, collector.ErrNotLive
	}
	if ns.Own {
		return newNetlink(family)
	}
	var s *nlSocket
	err := inNetNS(h, ns, func() (err error) {
		s, err = newNetlink(family)
		return err
	})
	return s, err
}

// inNetNS runs f on a thread that is inside the namespace (setns(2)). A thread
// that cannot be brought back ends with its goroutine.
func inNetNS(h *collector.Host, ns netNS, f func() error) error {
	file, err := openNetNS(h, ns)
	if err != nil {
		return err
	}
	defer file.Close()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		own, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("own network namespace: %w", err)
			return
		}
		defer unix.Close(own)
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("enter network namespace %d: %w", ns.Inode, err)
			return
		}
		err = f()
		if unix.Setns(own, unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

func newNetlink(family int) (*nlSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		return nil, fmt.Errorf("netlink socket of family %d: %w", family, err)
	}
	// A bound receive makes a kernel that never answers a matter of seconds.
	tv := unix.Timeval{Usec: 200_000}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	return &nlSocket{fd: fd}, nil
}

// Close closes the socket.
func (s *nlSocket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := unix.Close(s.fd)
	s.fd = -1
	return err
}

// ask sends one request and gives all messages of the answer, one after
// another, exactly as the kernel sent them, the closing NLMSG_DONE included.
// flags are or-ed to NLM_F_REQUEST; with nlfDump it is a dump, else one object
// (closed by the acknowledgement). What came before an error is given with it.
// The bytes are the caller's.
func (s *nlSocket) ask(ctx context.Context, typ, flags uint16, body []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	raw := s.raw[:0]
	var err error
	for try := 0; try < 3; try++ { // a table that changes meanwhile: once more, twice more, then as it is
		raw, err = s.askOnce(ctx, typ, flags, body, raw[:0])
		if !errors.Is(err, errDumpInterrupted) {
			break
		}
	}
	if s.raw = raw; len(raw) > 1<<20 {
		s.raw = nil // given away, not copied
		return raw, err
	}
	return bytes.Clone(raw), err
}

func (s *nlSocket) askOnce(ctx context.Context, typ, flags uint16, body, raw []byte) ([]byte, error) {
	s.seq++
	flags |= nlfRequest
	if flags&nlfDump != nlfDump {
		flags |= nlfAck
	}
	req := appendMessage(nil, typ, flags, s.seq, body)
	if err := unix.Sendto(s.fd, req, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return raw, fmt.Errorf("netlink request %d: %w", typ, err)
	}
	deadline := time.Now().Add(netlinkPatience)
	interrupted := false
	for {
		if ctx.Err() != nil {
			return raw, context.Cause(ctx)
		}
		if time.Now().After(deadline) {
			return raw, evidence.Cut("netlink answer to request %d: not whole after %v", typ, netlinkPatience)
		}
		var n int
		var err error
		raw, n, err = s.receive(raw)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil {
			return raw, fmt.Errorf("netlink answer to request %d: %w", typ, err)
		}
		done, intr, errno := answerEnds(raw[len(raw)-n:], s.seq)
		interrupted = interrupted || intr
		if errno != 0 && len(raw) == n {
			raw = raw[:0] // nothing but the error came
		}
		if errno != 0 {
			return raw, fmt.Errorf("netlink answer to request %d: %w", typ, unix.Errno(errno))
		}
		if done && interrupted {
			return raw, errDumpInterrupted
		}
		if done {
			return raw, nil
		}
		if len(raw) > maxNetlinkDump {
			return raw, evidence.Cut("netlink dump longer than %d bytes", maxNetlinkDump)
		}
	}
}

// receive appends one datagram. Only the kernel (port 0) is listened to: any
// program of root can send to a netlink socket.
func (s *nlSocket) receive(raw []byte) ([]byte, int, error) {
	if cap(raw)-len(raw) < netlinkChunk {
		raw = append(raw, make([]byte, max(netlinkChunk, len(raw)))...)[:len(raw)]
	}
	n, _, flags, from, err := unix.Recvmsg(s.fd, raw[len(raw):cap(raw)], nil, 0)
	if err != nil {
		return raw, 0, err
	}
	if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 {
		return raw, 0, nil
	}
	if flags&unix.MSG_TRUNC != 0 {
		return raw, 0, fmt.Errorf("message longer than %d bytes", cap(raw)-len(raw))
	}
	n = min(n, cap(raw)-len(raw))
	return raw[:len(raw)+n], n, nil
}
