package indicators

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
)

func newFileView(h *collector.Host) (*fileView, error) {
	room := make([]byte, 1<<17)
	return &fileView{lstat: h.Lstat, wait: waitFor, list: func(dir string) ([]dirEntry, error) { return listDir(h, dir, room) }}, nil
}

// listDir lists a directory by getdents64(2) alone.
func listDir(h *collector.Host, dir string, room []byte) (out []dirEntry, err error) {
	f, err := h.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for {
		n, err := unix.Getdents(int(f.Fd()), room)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, err
		case n <= 0:
			return out, nil
		}
		if out = appendEntries(out, room[:n]); len(out) > maxDirNames {
			return nil, evidence.Skip("%s: more than %d names", dir, maxDirNames)
		}
	}
}

// appendEntries reads struct linux_dirent64 after another: u64 inode, s64 offset,
// u16 length, u8 type, name ended by NUL.
func appendEntries(out []dirEntry, b []byte) []dirEntry {
	const head = 19
	for len(b) > head {
		n := int(binary.NativeEndian.Uint16(b[16:]))
		if n <= head || n > len(b) {
			break
		}
		name, _, _ := bytes.Cut(b[head:n], []byte{0})
		if s := string(name); s != "." && s != ".." {
			out = append(out, dirEntry{name: s, inode: binary.NativeEndian.Uint64(b), isDir: b[18] == unix.DT_DIR, typed: b[18] != unix.DT_UNKNOWN})
		}
		b = b[n:]
	}
	return out
}
