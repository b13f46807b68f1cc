package isolate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// maxAnswer bounds what the kernel may say to one request, in bytes.
const maxAnswer = 256 << 20

// netlinkAsk sends one request and gives the messages of the answer, as they are.
func netlinkAsk(family int, typ, flags uint16, body []byte) ([]byte, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for _, opt := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, opt, &unix.Timeval{Sec: 10}); err != nil {
			return nil, err
		}
	}
	msg := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
	msg = binary.NativeEndian.AppendUint16(msg, typ)
	msg = binary.NativeEndian.AppendUint16(msg, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags)
	msg = append(binary.NativeEndian.AppendUint32(msg, 1), 0, 0, 0, 0)
	if err := unix.Sendto(fd, append(msg, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	var all []byte
	buf := make([]byte, 1<<18)
	for len(all) < maxAnswer {
		n, _, flags, from, err := unix.Recvmsg(fd, buf, nil, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if flags&unix.MSG_TRUNC != 0 {
			return nil, fmt.Errorf("netlink: a message over %d bytes", len(buf))
		}
		if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 {
			continue // not the kernel
		}
		part, done, err := untilDone(buf[:n])
		all = append(all, part...)
		if done || err != nil {
			return all, err
		}
	}
	return nil, fmt.Errorf("netlink: an answer over %d bytes", maxAnswer)
}

// errChanged says that what is dumped changed meanwhile (NLM_F_DUMP_INTR).
var errChanged = errors.New("netlink: changed while it was read")

// untilDone gives the messages before the end of an answer.
func untilDone(b []byte) (part []byte, done bool, err error) {
	for at := 0; at+16 <= len(b); {
		n := int(binary.NativeEndian.Uint32(b[at:]))
		if n < 16 || n > len(b)-at {
			return nil, false, fmt.Errorf("netlink: a message of %d bytes in %d", n, len(b)-at)
		}
		if binary.NativeEndian.Uint16(b[at+6:])&unix.NLM_F_DUMP_INTR != 0 {
			return nil, true, errChanged
		}
		switch binary.NativeEndian.Uint16(b[at+4:]) {
		case unix.NLMSG_ERROR, unix.NLMSG_DONE:
			if n >= 20 {
				if errno := int32(binary.NativeEndian.Uint32(b[at+16:])); errno < 0 {
					return nil, true, unix.Errno(-errno)
				}
			}
			return b[:at:at], true, nil
		}
		at = min(len(b), at+(n+3)&^3)
	}
	return b[:len(b):len(b)], false, nil
}

func appendAttr(b []byte, typ uint16, data []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(data)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, data...)
	return append(b, make([]byte, -len(data)&3)...)
}

// linksIn lists the interfaces of another network namespace. The thread that enters it is
// thrown away.
func linksIn(path string) ([]link, error) {
	type answer struct {
		links []link
		err   error
	}
	back := make(chan answer, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		back <- func() answer {
			f, err := os.Open(path)
			if err != nil {
				return answer{nil, err}
			}
			defer f.Close()
			if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
				return answer{nil, fmt.Errorf("setns: %w", err)}
			}
			links, err := listLinks()
			return answer{links, err}
		}()
	}()
	a := <-back
	return a.links, a.err
}
