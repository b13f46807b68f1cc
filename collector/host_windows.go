package collector

import (
	"io"
	"os"
	"sort"
	"syscall"

	"golang.org/x/sys/windows"

	"hozen/collector/winfile"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// The way of a name on Windows:
//
//	/C:/Windows/x                     what all methods take (winfile.HostName)
//	\??\C:\Windows\x                  what the kernel is asked for (winfile.Native)
//	open_windows.go                   opens it: links as they are, nothing recalled, no time moved
//	query_windows.go                  asks about the open file
//	drives_windows.go                 which volumes there are
//
// The last component is never followed but by OpenFollow, CopyFollow and Stat. On the
// way, links of the system are followed where neither NoLinks nor a Root forbids it.

// ThisHost is the machine that we run on. It makes this process one that sees
// placeholders of cloud files as what they are, and that may read what access lists
// would keep from it, where the backup privilege is held.
func ThisHost() *Host {
	exposePlaceholders()
	h := &Host{Root: "/", Live: true, Elevated: windows.GetCurrentProcessToken().IsElevated()}
	h.Backup = enablePrivilege("SeBackupPrivilege")
	h.Drives, h.Avoid = drives()
	return h
}

// Open opens a regular file or a directory for reading, and does not follow a link as
// the last component. Anything else is a *NotRegularError, and a file whose contents
// are not on this PC is skipped: nothing is fetched.
//
// Its last access time does not move, where we may write attributes: the handle is told
// to leave it alone (SetFileTime). Elsewhere it may (KeepsTimes). Nothing is written.
func (h *Host) Open(name string) (*os.File, error) {
	return h.open(name, false, windows.FILE_SEQUENTIAL_ONLY)
}

// OpenFollow is Open, but follows a link as the last component.
func (h *Host) OpenFollow(name string) (*os.File, error) {
	return h.open(name, true, windows.FILE_SEQUENTIAL_ONLY)
}

func (h *Host) open(name string, follow bool, options uint32) (*os.File, error) {
	if h.Image != nil {
		return nil, errInImage
	}
	if err := h.avoided(name); err != nil {
		return nil, err
	}
	h.Pulse.Ask(name)
	defer h.Pulse.Answer()
	handle, err := h.openRead(name, follow, options)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return os.NewFile(uintptr(handle), name), nil
}

// openRead opens what may be read, and nothing else.
func (h *Host) openRead(name string, follow bool, options uint32) (windows.Handle, error) {
	handle, err := h.openQuietly(name, follow, options)
	if err != nil {
		return 0, err
	}
	info, err := attributesOf(handle)
	if err == nil {
		err = mayRead(name, info)
	}
	if err == nil && winfile.Through(info.Tag) && !follow {
		handle, err = h.through(name, handle, options)
	}
	if err != nil {
		windows.CloseHandle(handle)
		return 0, err
	}
	return handle, nil
}

// mayRead says why the contents of a file are not read.
func mayRead(name string, info *winfile.Info) error {
	m := info.Meta()
	switch kind := m.Mode & evidence.ModeType; {
	case kind == evidence.ModeDir:
		return nil
	case kind != evidence.ModeRegular:
		return &NotRegularError{Name: name, Mode: m.Mode}
	}
	return winfile.Remote(info.Attributes, info.Tag)
}

// through opens once more a file whose contents a filter of the system gives to those
// that open it as any program does; it must be the same file.
func (h *Host) through(name string, handle windows.Handle, options uint32) (windows.Handle, error) {
	other, err := h.openQuietly(name, true, options)
	if err != nil {
		return handle, err
	}
	var a, b winfile.Info
	if err := fault.Join(identify(handle, &a), identify(other, &b)); err != nil || a.ID != b.ID || a.Serial != b.Serial {
		windows.CloseHandle(other)
		return handle, fault.Join(evidence.Gone("replaced by another file while it was opened"), err)
	}
	windows.CloseHandle(handle)
	return other, nil
}

// AppendFile is ReadFile that appends to dst.
func (h *Host) AppendFile(dst []byte, name string, limit int) ([]byte, error) {
	if h.Image != nil {
		return h.imageAppend(dst, name, limit)
	}
	f, err := h.ways(name)
	if err != nil {
		return dst, err
	}
	defer f.Close()
	h.Pulse.Ask(name)
	defer h.Pulse.Answer()
	b, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if len(b) > limit {
		return append(dst, b[:limit]...), pathError("read", name, ErrTooLong)
	}
	if err != nil {
		err = pathError("read", name, locked(err))
	}
	return append(dst, b...), err
}

// Names lists a directory, sorted by byte. What was read before an error is given with
// it; more than maxNames is ErrTooLong. A link to a directory is not listed. "/" has
// the Drives.
func (h *Host) Names(dir string) ([]string, error) {
	if h.Image != nil {
		return h.imageNames(dir)
	}
	if h.top(dir) {
		return h.driveNames(), nil
	}
	if h.rawOnly(dir) {
		return h.rawNames(dir)
	}
	f, err := h.open(dir, false, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h.Pulse.Ask(dir)
	defer h.Pulse.Answer()
	if info, err := attributesOf(windows.Handle(f.Fd())); err != nil || info.Attributes&winfile.Directory == 0 {
		return nil, pathError("list", dir, fault.Join(syscall.ENOTDIR, err))
	}
	names, err := listNames(windows.Handle(f.Fd()))
	if len(names) >= maxNames {
		names, err = names[:maxNames], ErrTooLong
	}
	if err != nil {
		err = pathError("list", dir, err)
	}
	sort.Strings(names)
	return names, err
}

// Readlink gives the target of a junction or symbolic link as it is stored.
func (h *Host) Readlink(name string) (string, error) {
	m, err := h.Lstat(name)
	if err == nil && m.Mode&evidence.ModeType != evidence.ModeSymlink {
		err = pathError("readlink", name, windows.ERROR_NOT_A_REPARSE_POINT)
	}
	if err != nil {
		return "", err
	}
	return m.LinkTarget, nil
}

// Lstat describes a file without opening its contents: four times, attributes, owner,
// its number and the volume's. A stream of a file ("/C:/x:stream") has no number of its
// own: Inode is 0.
func (h *Host) Lstat(name string) (*evidence.FileMeta, error) {
	m, _, err := h.stat(name, false, false)
	return m, err
}

// Stat is Lstat of what a link leads to.
func (h *Host) Stat(name string) (*evidence.FileMeta, error) {
	m, _, err := h.stat(name, true, false)
	return m, err
}

// LstatStreams is Lstat, and the alternate streams of the file.
func (h *Host) LstatStreams(name string) (*evidence.FileMeta, []winfile.DataStream, error) {
	return h.stat(name, false, true)
}

func (h *Host) stat(name string, follow, streams bool) (*evidence.FileMeta, []winfile.DataStream, error) {
	if h.Image != nil {
		m, err := h.imageMeta("stat", name, follow)
		return m, nil, err
	}
	if h.top(name) {
		return &evidence.FileMeta{Mode: evidence.ModeDir | 0o777}, nil, nil
	}
	if err := h.avoided(name); err != nil {
		return nil, nil, err
	}
	if h.rawOnly(name) {
		m, err := h.rawMeta(name)
		return m, nil, err
	}
	h.Pulse.Ask(name)
	defer h.Pulse.Answer()
	handle, err := h.openAbout(name, follow)
	if err != nil {
		return nil, nil, pathError("stat", name, err)
	}
	defer windows.CloseHandle(handle)
	info, err := describe(handle)
	if err != nil {
		return nil, nil, pathError("stat", name, err)
	}
	m := info.Meta()
	if winfile.Stream(winfile.HostName(name)) != "" {
		m.Mode, m.Inode, m.LinkTarget, m.Size = evidence.ModeRegular|0o777, 0, "", info.Size
		return m, nil, nil
	}
	if !streams {
		return m, nil, nil
	}
	all, err := streamsOf(handle)
	if err != nil {
		err = pathError("streams of", name, err)
	}
	return m, all, err
}

// top says whether a name is "/" of a live Windows, which is no directory of it.
func (h *Host) top(name string) bool {
	return (h.Root == "/" || h.Root == "") && winfile.HostName(name) == "/"
}

func (h *Host) driveNames() (names []string) {
	for _, d := range h.Drives {
		names = append(names, d[1:])
	}
	sort.Strings(names)
	return names
}
