package packet

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A ring is a socket of packet(7) with a receive ring of TPACKET_V3
// (Documentation/networking/packet_mmap.rst) on one interface. The kernel fills
// blocks and hands each over when it is full or blockTime is over. wait, read and
// close are for one goroutine; stop and counts may be called from others.
type ring struct {
	file *os.File
	conn syscall.RawConn
	mem  []byte
	next int // block
	walk blockWalk
	form form
	over error // why there will be no more blocks than are ready now
	down error // what the kernel said of the interface

	mu     sync.Mutex // of what follows, and of the file against close
	closed bool
	sum    counts
}

const (
	blockSize = 512 << 10 // a multiple of the page; takes any frame of maxSnaplen
	blockTime = 40 * time.Millisecond
	slotSize  = 2048 // of the formal frames of TPACKET_V3, which have no effect
)

// openRing begins to listen to an interface. No frame is taken before the filter
// is in place: a socket of protocol 0 gets none until it is bound with one.
func openRing(l *link, f form, program []bpf.RawInstruction, size int) (tap, error) {
	kind := unix.SOCK_RAW
	if f.cooked {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: packet socket: %w", l.name, err)
	}
	r := &ring{form: f}
	if err := r.furnish(fd, l, program, size); err != nil {
		if r.mem != nil {
			_ = unix.Munmap(r.mem)
		}
		unix.Close(fd)
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	r.file = os.NewFile(uintptr(fd), "packets of "+l.name)
	if r.conn, err = r.file.SyscallConn(); err != nil {
		r.close()
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	return r, nil
}

func (r *ring) furnish(fd int, l *link, program []bpf.RawInstruction, size int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("packet socket: TPACKET_V3: %w", err)
	}
	if r.form.incoming { // where the kernel cannot (before Linux 4.20), the walk passes them over
		_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	var err error
	for n := max(size/blockSize, 2); ; n /= 2 { // with less, where the kernel has no room
		err = unix.SetsockoptTpacketReq3(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq3{
			Block_size: blockSize, Block_nr: uint32(n), Frame_size: slotSize, Frame_nr: uint32(n * (blockSize / slotSize)),
			Retire_blk_tov: uint32(blockTime / time.Millisecond),
		})
		if err == nil {
			r.mem, err = unix.Mmap(fd, 0, n*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			break
		}
		if !errors.Is(err, unix.ENOMEM) || n <= 4 {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("receive ring: %w", err)
	}
	if err := attach(fd, program); err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: l.index}); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

func networkOrder(v uint16) uint16 {
	b := [2]byte{byte(v >> 8), byte(v)}
	return *(*uint16)(unsafe.Pointer(&b))
}

func attach(fd int, program []bpf.RawInstruction) error {
	code := make([]unix.SockFilter, len(program))
	for i, p := range program {
		code[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
	}
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
	if err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

// size is how many bytes the ring has.
func (r *ring) size() int { return len(r.mem) }

func (r *ring) block() []byte { return r.mem[r.next*blockSize : (r.next+1)*blockSize] }

func (r *ring) status() *uint32 { return (*uint32)(unsafe.Pointer(&r.block()[blockStatus])) }

// ready says whether the kernel has handed over the next block.
func (r *ring) ready() bool { return atomic.LoadUint32(r.status())&unix.TP_STATUS_USER != 0 }

// wait waits until there is something to read. Its error says that there is no
// more: io.EOF after stop, else what became of the interface.
func (r *ring) wait() error {
	if r.walk.left > 0 || r.ready() {
		return nil
	}
	if r.over != nil {
		return r.over
	}
	err := r.conn.Read(func(fd uintptr) bool {
		if r.ready() {
			return true
		}
		if code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); err == nil && code != 0 {
			r.down = unix.Errno(code)
		}
		return r.down != nil
	})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.over = io.EOF
	case err != nil:
		r.over = err
	case r.down != nil:
		// What came before may still be in a block that is not full: its time is awaited.
		r.over = r.down
		time.Sleep(3 * blockTime)
	}
	if r.over != nil && !r.ready() {
		return r.over
	}
	return nil
}

// read appends what is there, as packet blocks of pcapng, as far as b has room.
func (r *ring) read(b []byte) []byte {
	for {
		var done bool
		if b, done = r.walk.appendFrames(b, &r.form); !done {
			break
		}
		if r.walk.block != nil {
			r.walk.block = nil
			atomic.StoreUint32(r.status(), unix.TP_STATUS_KERNEL)
			r.next = (r.next + 1) % (len(r.mem) / blockSize)
		}
		if !r.ready() {
			break
		}
		r.walk.begin(r.block())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.packets, r.sum.bytes, r.sum.wire, r.sum.strange = r.walk.packets, r.walk.bytes, r.walk.wire, r.walk.strange
	return b
}

// stop lets no further frame into the ring; what is in it can be read until wait
// says io.EOF, when the last block has been handed over.
func (r *ring) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if raw, err := bpf.Assemble([]bpf.Instruction{bpf.RetConstant{}}); err == nil {
		_ = r.conn.Control(func(fd uintptr) { _ = attach(int(fd), raw) })
	}
	_ = r.file.SetReadDeadline(time.Now().Add(3 * blockTime))
}

// counts asks the kernel what it lost; it counts from zero each time it is asked.
func (r *ring) counts() counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return r.sum
	}
	_ = r.conn.Control(func(fd uintptr) {
		s, err := unix.GetsockoptTpacketStatsV3(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil {
			return
		}
		r.sum.accepted += uint64(s.Packets)
		r.sum.dropped += uint64(s.Drops)
		r.sum.freezes += uint64(s.Freeze_q_cnt)
	})
	return r.sum
}

func (r *ring) close() {
	r.counts()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	_ = unix.Munmap(r.mem)
	r.file.Close()
}
