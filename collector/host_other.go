//go:build !linux && !windows

package collector

import (
	"io"
	"os"
	"path"
	"sort"
	"strings"

	"hozen/packager/evidence"
)

// ThisHost is the machine that we run on.
func ThisHost() *Host {
	return &Host{Root: "/", Live: true, Elevated: os.Geteuid() == 0}
}

// Open opens a regular file or a directory for reading, and does not follow a
// symbolic link as the last component. Anything else is a *NotRegularError.
func (h *Host) Open(name string) (*os.File, error) {
	if h.Image != nil {
		return nil, errInImage
	}
	if err := h.avoided(name); err != nil {
		return nil, err
	}
	st, err := os.Lstat(h.within(name))
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	if !st.Mode().IsRegular() && !st.IsDir() {
		return nil, &NotRegularError{Name: name, Mode: modeOf(st.Mode())}
	}
	return os.Open(h.within(name))
}

// OpenFollow is Open, but follows a symbolic link as the last component.
func (h *Host) OpenFollow(name string) (*os.File, error) {
	if h.Image != nil {
		return nil, errInImage
	}
	if err := h.avoided(name); err != nil {
		return nil, err
	}
	st, err := os.Stat(h.within(name))
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	if !st.Mode().IsRegular() && !st.IsDir() {
		return nil, &NotRegularError{Name: name, Mode: modeOf(st.Mode())}
	}
	return os.Open(h.within(name))
}

// AppendFile is ReadFile that appends to dst.
func (h *Host) AppendFile(dst []byte, name string, limit int) ([]byte, error) {
	if h.Image != nil {
		return h.imageAppend(dst, name, limit)
	}
	f, err := h.Open(name)
	if err != nil {
		return dst, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if len(b) > limit {
		return append(dst, b[:limit]...), pathError("read", name, ErrTooLong)
	}
	return append(dst, b...), err
}

// Names lists a directory, sorted by byte.
func (h *Host) Names(dir string) ([]string, error) {
	if h.Image != nil {
		return h.imageNames(dir)
	}
	if err := h.avoided(dir); err != nil {
		return nil, err
	}
	h.Pulse.Ask(dir)
	defer h.Pulse.Answer()
	f, err := os.Open(h.within(dir))
	if err != nil {
		return nil, pathError("open", dir, err)
	}
	defer f.Close()
	names, err := f.Readdirnames(maxNames)
	if err == io.EOF {
		err = nil
	}
	if len(names) == maxNames {
		err = pathError("list", dir, ErrTooLong)
	}
	sort.Strings(names)
	return names, err
}

// Readlink gives the target of a symbolic link.
func (h *Host) Readlink(name string) (string, error) {
	if h.Image != nil {
		return h.imageReadlink(name)
	}
	if err := h.avoided(name); err != nil {
		return "", err
	}
	return os.Readlink(h.within(name))
}

// Lstat describes a file without opening it.
func (h *Host) Lstat(name string) (*evidence.FileMeta, error) {
	if h.Image != nil {
		return h.imageMeta("stat", name, false)
	}
	if err := h.avoided(name); err != nil {
		return nil, err
	}
	h.Pulse.Ask(name)
	st, err := os.Lstat(h.within(name))
	h.Pulse.Answer()
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	m := &evidence.FileMeta{Mode: modeOf(st.Mode()), Size: st.Size(), Mtime: st.ModTime().UTC()}
	if st.Mode()&os.ModeSymlink != 0 {
		m.LinkTarget, _ = h.Readlink(name)
	}
	return m, nil
}

// Stat is Lstat of what a symbolic link leads to.
func (h *Host) Stat(name string) (*evidence.FileMeta, error) {
	if h.Image != nil {
		return h.imageMeta("stat", name, true)
	}
	if err := h.avoided(name); err != nil {
		return nil, err
	}
	st, err := os.Stat(h.within(name))
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return &evidence.FileMeta{Mode: modeOf(st.Mode()), Size: st.Size(), Mtime: st.ModTime().UTC()}, nil
}

// modeOf gives the st_mode of inode(7) for Go's own mode bits.
func modeOf(m os.FileMode) uint32 {
	bits := uint32(m.Perm())
	switch {
	case m.IsRegular():
		bits |= evidence.ModeRegular
	case m.IsDir():
		bits |= evidence.ModeDir
	case m&os.ModeSymlink != 0:
		bits |= evidence.ModeSymlink
	case m&os.ModeNamedPipe != 0:
		bits |= evidence.ModeFIFO
	case m&os.ModeSocket != 0:
		bits |= evidence.ModeSocket
	case m&os.ModeCharDevice != 0:
		bits |= evidence.ModeChar
	case m&os.ModeDevice != 0:
		bits |= evidence.ModeBlock
	}
	return bits
}

// within gives the name as it is on the system that we run on, for the systems
// without openat2; links that lead out of the root are the caller's concern.
func (h *Host) within(name string) string {
	if h.Root == "/" || h.Root == "" {
		return name
	}
	return strings.TrimSuffix(h.Root, "/") + path.Clean("/"+name)
}
