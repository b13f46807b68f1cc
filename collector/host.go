package collector

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	"hozen/collector/winfile"
	"hozen/packager/evidence"
)

// Host is the machine under examination, as a test can fake it: a live one, or
// a directory (a fixture, a container's root, a mounted disk).
//
// All names given to its methods are absolute on the examined machine
// ("/proc/1/stat", "/etc/hosts") and may hold any byte but NUL. On a live Windows they
// begin with a drive ("/C:/Windows", see Shown). With a Root,
// symbolic links are resolved inside that root and never lead out of it.
type Host struct {
	// Root is the directory that holds the machine's "/"; "/" for the machine
	// that we run on.
	Root string
	// Live says that the running kernel is the examined one: system calls,
	// netlink and ioctls tell of it. Where it is false, collectors that need
	// them say skipped.
	Live bool
	// Elevated says that we run as root (Unix) or as an elevated administrator.
	Elevated bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Image, if not nil, is what all names are looked up in, instead of Root: the file
	// system of a disk image. Open and OpenFollow have nothing to give then; Reader has.
	Image Files
	// Own names files that are ours (the archive being written): they are never
	// taken as evidence, and what passes them over records it.
	Own []FileID
	// Avoid names mount points of file systems that may never answer (a program or
	// another machine serves them): no method looks at a name on one; the outcome
	// is "skipped", and a shortfall.
	Avoid []string
	// Stored says that only contents that are stored somewhere are read: those of a file
	// that the kernel makes while it is read (of proc, tracefs and their like), by whatever
	// name it is mounted, are a shortfall. Reading such a file may take from the kernel
	// what others wait for, and never end. Names is not bound by it.
	Stored bool
	// NoLinks says that names lead through no symbolic link: one on the way is ELOOP,
	// so that a directory that is swapped for a link leads nowhere. (Before Linux 5.6,
	// which cannot do that, links are followed.)
	NoLinks bool
	// Pulse, if not nil, is told of every name that is asked for through this Host.
	Pulse *Pulse
	// View is the private view that Quiet made; nil if there is none. Names are looked
	// up below it then.
	View *os.File
	// Drives, of a live Windows, are its fixed volumes, as names, the system's first:
	// "/C:", "/D:". "/" has no files there, but these. Elsewhere nil: the files of the
	// one volume of an image lie in "/".
	Drives []string
	// Raw, if not nil, gives the file system of the volume that a name lies on, read past
	// the running Windows from its sectors, and the name on it (package volume). Reader and
	// ReadFile go that way where the system refuses, or has no other.
	Raw func(name string) (Files, string, error)
	// Backup says that the backup privilege is held and in use: access lists of Windows
	// keep no file from being read.
	Backup bool
}

// FileID is what makes a file the same file on one running system.
type FileID struct{ Dev, Inode uint64 }

// ErrNotLive is the outcome of what only a running kernel can tell.
var ErrNotLive = evidence.Skip("not a live host: only its files are at hand")

// Time is the host's clock.
func (h *Host) Time() time.Time {
	if h.Now != nil {
		return h.Now()
	}
	return time.Now()
}

// IsOwn says whether a file is one of ours.
func (h *Host) IsOwn(id FileID) bool {
	for _, o := range h.Own {
		if o == id {
			return true
		}
	}
	return false
}

// avoided is the error of a name on a mount to be avoided. Links that lead there
// are not seen through.
func (h *Host) avoided(name string) error {
	if winfile.HasDrive(name) { // a drive's letter may be a small one
		name = winfile.HostName(name)
	}
	for _, point := range h.Avoid {
		if rest, ok := strings.CutPrefix(name, point); ok && (rest == "" || rest[0] == '/') {
			return evidence.Cut("%s: not looked at: what is mounted on %s may never answer", name, point)
		}
	}
	return nil
}

// NotRegularError is returned by Open for what is neither a regular file nor a
// directory: reading a FIFO would wait for a writer, a device may act on being
// read. As an outcome it is "skipped".
type NotRegularError struct {
	Name string
	Mode uint32 // st_mode
}

func (e *NotRegularError) Error() string {
	kinds := map[uint32]string{
		evidence.ModeSocket: "socket", evidence.ModeSymlink: "symbolic link", evidence.ModeBlock: "block device",
		evidence.ModeChar: "character device", evidence.ModeFIFO: "FIFO", evidence.ModeDir: "directory",
	}
	kind := kinds[e.Mode&evidence.ModeType]
	if kind == "" {
		kind = fmt.Sprintf("file of type %#o", e.Mode&evidence.ModeType)
	}
	return fmt.Sprintf("%s: not read: it is a %s", e.Name, kind)
}

// As lets evidence.Classify see the outcome "skipped".
func (e *NotRegularError) As(target any) bool {
	return errors.As(evidence.Skip("%s", e.Error()), target)
}

// ErrLocked is wrapped by the error of a file that another program has open and shares
// with nobody (Windows). As an outcome it is "denied".
var ErrLocked = fmt.Errorf("another program has it open and shares it with nobody: %w", fs.ErrPermission)

// ErrLink is wrapped by the error of a name that leads through a link, where none is
// to be followed.
var ErrLink = errors.New("a link is on the way: it was not followed")

// Shown gives a name as people see it on the examined machine: on a live Windows
// `C:\Windows\x` for "/C:/Windows/x", else the name itself.
func (h *Host) Shown(name string) string {
	if h.Drives == nil {
		return name
	}
	return winfile.Shown(name)
}

// Name gives the Host's name of what a person wrote: Shown backwards.
func (h *Host) Name(shown string) string {
	if h.Drives == nil {
		return shown
	}
	return winfile.HostName(shown)
}

// ErrTooLong is wrapped by the errors of ReadFile and Copy when a file has more
// bytes than the caller allowed; what came before the limit is given.
var ErrTooLong = errors.New("longer than the limit")

// maxNames bounds the listing of one directory, against one that was filled to
// cost us memory.
const maxNames = 1 << 18

// ReadFile gives the whole file, if it is regular and has at most limit bytes.
// With more, it gives the first limit bytes and an error that is ErrTooLong.
// What was read before another error is given with it.
//
//go:noinline
func (h *Host) ReadFile(name string, limit int) ([]byte, error) {
	return h.AppendFile(nil, name, limit)
}

// Copy writes the file to w, at most limit bytes of it; more is an
// evidence.Cut. It is what most fills are made of.
func (h *Host) Copy(w io.Writer, name string, limit int64) error {
	return copyOpened(w, name, limit, h.Reader)
}

// CopyFollow is Copy, but follows a symbolic link as the last component: for
// /etc/os-release and its like.
func (h *Host) CopyFollow(w io.Writer, name string, limit int64) error {
	return copyOpened(w, name, limit, func(name string) (Reader, error) {
		if h.Image != nil {
			return h.imageReader(name, true)
		}
		return h.OpenFollow(name)
	})
}

func copyOpened(w io.Writer, name string, limit int64, open func(string) (Reader, error)) error {
	f, err := open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(w, io.LimitReader(f, limit))
	if err != nil {
		return err
	}
	if n == limit {
		if k, _ := f.Read(make([]byte, 1)); k > 0 {
			return evidence.Cut("%s: %v (%d bytes)", name, ErrTooLong, limit)
		}
	}
	return nil
}

func pathError(op, name string, err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if runtime.GOOS == "windows" {
		name = winfile.Shown(name)
	}
	return &os.PathError{Op: op, Path: name, Err: err}
}
