package volatile

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The module cilium/ebpf is not used here: to fill in its types it may load
// maps and programs of its own, to find out what the kernel can do. On an
// examined host nothing is loaded; three commands of bpf(2) are enough.

// nextBPF gives the id after one; ENOENT at the end.
func nextBPF(kind bpfKind, after uint32) (uint32, error) {
	attr := struct{ start, next, flags uint32 }{start: after}
	cmd := [...]uintptr{unix.BPF_PROG_GET_NEXT_ID, unix.BPF_MAP_GET_NEXT_ID, unix.BPF_LINK_GET_NEXT_ID, unix.BPF_BTF_GET_NEXT_ID}[kind]
	_, err := bpf(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return attr.next, err
}

// Bounds of what one object may claim: the verifier's own limit is a million
// instructions of 8 bytes (BPF_COMPLEXITY_LIMIT_INSNS).
const (
	maxXlated  = 16 << 20
	maxBPFMaps = 1 << 12
)

// bpfInfo opens an object by its id, maps for reading only, and asks what it is:
// once for the plain info, which is kept as it is, and once more with room for
// what hangs on it.
func bpfInfo(kind bpfKind, id uint32) (raw bpfRaw, err error) {
	attr := struct{ id, next, flags uint32 }{id: id}
	if kind == bpfMap {
		attr.flags = unix.BPF_F_RDONLY
	}
	cmd := [...]uintptr{unix.BPF_PROG_GET_FD_BY_ID, unix.BPF_MAP_GET_FD_BY_ID, unix.BPF_LINK_GET_FD_BY_ID, unix.BPF_BTF_GET_FD_BY_ID}[kind]
	fd, err := bpf(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		return raw, fmt.Errorf("open: %w", err)
	}
	defer unix.Close(int(fd))
	if raw.info, err = objectInfo(fd, make([]byte, 512)); err != nil {
		return raw, fmt.Errorf("info: %w", err)
	}
	switch kind {
	case bpfProgram:
		err = raw.programParts(fd)
	case bpfBTF:
		err = raw.btfName(fd)
	}
	return raw, err
}

// programParts asks for the instructions and the ids of the maps.
func (raw *bpfRaw) programParts(fd uintptr) error {
	size, maps := u32at(raw.info, 20), u32at(raw.info, 52)
	if size > maxXlated || maps > maxBPFMaps {
		return fmt.Errorf("program claims %d bytes of instructions and %d maps", size, maps)
	}
	insns, ids := make([]byte, size+8), make([]uint32, maps+1)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&insns[0])
	pin.Pin(&ids[0])
	ask := make([]byte, len(raw.info))
	put32(ask, 20, size)
	put64(ask, 32, uint64(uintptr(unsafe.Pointer(&insns[0]))))
	put32(ask, 52, maps)
	put64(ask, 56, uint64(uintptr(unsafe.Pointer(&ids[0]))))
	got, err := objectInfo(fd, ask)
	if err != nil {
		return fmt.Errorf("instructions: %w", err)
	}
	if u64at(got, 32) != 0 { // the kernel puts 0 there where it gives none away
		raw.xlated = insns[:min(size, u32at(got, 20))]
	}
	raw.maps = ids[:min(maps, u32at(got, 52))]
	return nil
}

func (raw *bpfRaw) btfName(fd uintptr) error {
	name := make([]byte, 256)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&name[0])
	ask := make([]byte, len(raw.info))
	put64(ask, 16, uint64(uintptr(unsafe.Pointer(&name[0]))))
	put32(ask, 24, uint32(len(name)))
	if _, err := objectInfo(fd, ask); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	raw.name = cString(name)
	return nil
}

// objectInfo is BPF_OBJ_GET_INFO_BY_FD with info as input and output; it gives
// as many bytes as the kernel knows.
func objectInfo(fd uintptr, info []byte) ([]byte, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&info[0])
	attr := struct {
		fd, size uint32
		info     uint64
	}{uint32(fd), uint32(len(info)), uint64(uintptr(unsafe.Pointer(&info[0])))}
	if _, err := bpf(unix.BPF_OBJ_GET_INFO_BY_FD, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
		return nil, err
	}
	return info[:min(int(attr.size), len(info))], nil
}

func bpf(cmd uintptr, attr unsafe.Pointer, size uintptr) (uintptr, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(attr), size)
		switch errno {
		case 0:
			return r, nil
		case unix.EINTR, unix.EAGAIN:
			continue
		}
		return 0, errno
	}
}

func put32(b []byte, at int, v uint32) {
	if at+4 <= len(b) {
		binary.NativeEndian.PutUint32(b[at:], v)
	}
}

func put64(b []byte, at int, v uint64) {
	if at+8 <= len(b) {
		binary.NativeEndian.PutUint64(b[at:], v)
	}
}
