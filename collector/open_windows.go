package collector

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/utf16"
	"hozen/collector/winfile"
)

// Rights to a file ("File Access Rights Constants"), by what they are for.
const (
	about      = windows.FILE_READ_ATTRIBUTES | windows.SYNCHRONIZE
	readData   = about | windows.FILE_READ_DATA // of a directory: to list it
	throughDir = windows.FILE_TRAVERSE | windows.SYNCHRONIZE
)

// How everything is opened ("NtCreateFile", wdm.h and ntifs.h): with the privilege of a
// backup if it is held; nothing is brought back from a tape or a cloud; calls wait.
const openOptions = windows.FILE_OPEN_FOR_BACKUP_INTENT | windows.FILE_OPEN_NO_RECALL | windows.FILE_SYNCHRONOUS_IO_NONALERT

// openQuietly opens a name for reading so that the last access time stays, where we may
// have that. Asking for FILE_WRITE_ATTRIBUTES writes nothing: the right is needed to
// tell the handle to move no time.
func (h *Host) openQuietly(name string, follow bool, options uint32) (windows.Handle, error) {
	handle, err := h.openName(name, readData|windows.FILE_WRITE_ATTRIBUTES, openOptions|options, follow)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrLocked) && !errors.Is(err, ErrLink) {
		return h.openName(name, readData, openOptions, follow)
	}
	if err != nil {
		return 0, err
	}
	keep := &windows.Filetime{LowDateTime: 0xffffffff, HighDateTime: 0xffffffff}
	_ = windows.SetFileTime(handle, nil, keep, nil) // where the file system has no such thing, KeepsTimes is as wrong as it
	return handle, nil
}

// openAbout opens a name to ask about it: no contents, no sharing, no recall.
func (h *Host) openAbout(name string, follow bool) (windows.Handle, error) {
	handle, err := h.openName(name, about|windows.READ_CONTROL, openOptions, follow)
	if errors.Is(err, fs.ErrPermission) {
		return h.openName(name, about, openOptions, follow)
	}
	return handle, err
}

// openName opens a Host's name.
func (h *Host) openName(name string, access, options uint32, follow bool) (windows.Handle, error) {
	base, below := winfile.Split(name)
	rooted := h.Root != "/" && h.Root != ""
	if rooted {
		base, below = h.Root, strings.ReplaceAll(strings.TrimPrefix(path.Clean("/"+name), "/"), "/", `\`)
	}
	if !follow {
		options |= windows.FILE_OPEN_REPARSE_POINT
	}
	if h.NoLinks || rooted {
		return openBelow(base, below, access, options, true)
	}
	return h.openLed(name, access, options, follow)
}

// openLed opens a name, and follows the links on its way itself: those that lead to a
// volume of this PC. The system would follow one to another machine, too.
func (h *Host) openLed(name string, access, options uint32, follow bool) (windows.Handle, error) {
	for range winfile.MaxLinks {
		base, below := winfile.Split(name)
		handle, err := openBelow(base, below, access, options, false)
		if !errors.Is(err, ErrLink) {
			return handle, err
		}
		if name, err = led(name, follow); err == nil {
			err = h.avoided(name)
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%w: there are more than %d", ErrLink, winfile.MaxLinks)
}

// led finds the first link on the way of a name, and where the name leads by it. The
// last component is one only if follow is set.
func led(name string, follow bool) (string, error) {
	base, below := winfile.Split(name)
	parts := strings.Split(below, `\`)
	for i := range parts {
		if i == len(parts)-1 && !follow {
			break
		}
		link := strings.Join(parts[:i+1], `\`)
		handle, err := openBelow(base, link, about, openOptions|windows.FILE_OPEN_REPARSE_POINT, false)
		if err != nil {
			return "", err
		}
		info, err := attributesOf(handle)
		target := ""
		if err == nil && (info.Tag == winfile.TagMountPoint || info.Tag == winfile.TagSymlink) {
			target = targetOf(handle)
		} else if err == nil {
			info = nil
		}
		windows.CloseHandle(handle)
		if err != nil {
			return "", err
		}
		if info != nil {
			return winfile.Lead(base+"/"+strings.ReplaceAll(link, `\`, "/"), target, strings.Join(parts[i+1:], "/"))
		}
	}
	return "", ErrLink
}

// openBelow opens what is below a volume, or another directory, through no link; judge
// says whether that is looked at once more, for systems that pass over the flag.
func openBelow(base, below string, access, options uint32, judge bool) (windows.Handle, error) {
	if below == "" {
		units, err := winfile.Native(base + "/")
		if err != nil {
			return 0, err
		}
		return ntOpen(0, units, access, options, 0)
	}
	units, err := winfile.Native(base)
	if err != nil {
		return 0, err
	}
	dir, err := ntOpen(0, units, throughDir, openOptions, 0)
	if err != nil {
		return 0, err
	}
	defer windows.CloseHandle(dir)
	if units, err = utf16.Units(below); err != nil {
		return 0, err
	}
	handle, err := ntOpen(dir, units, access, options, windows.OBJ_DONT_REPARSE)
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) { // before Windows 10 1607 there is no such flag
		handle, err = ntOpen(dir, units, access, options, 0)
	}
	if err == nil && judge && !below1607Safe(handle, below) {
		windows.CloseHandle(handle)
		return 0, ErrLink
	}
	return handle, err
}

// below1607Safe looks whether what was opened has the name that was asked for, for a
// system that knows no OBJ_DONT_REPARSE, or passes over it: after a junction it has
// another. Names that are short ones are not judged.
func below1607Safe(handle windows.Handle, below string) bool {
	if strings.Contains(below, "~") {
		return true
	}
	got, err := nameOf(handle)
	return err != nil || len(got) >= len(below) && strings.EqualFold(got[len(got)-len(below):], below) ||
		strings.HasSuffix(strings.ToUpper(got), strings.ToUpper(below))
}

// ntOpen opens an existing file.
func ntOpen(root windows.Handle, name []uint16, access, options, flags uint32) (windows.Handle, error) {
	if len(name) > 32767 {
		return 0, fmt.Errorf("a name of %d units: %w", len(name), syscall.ENAMETOOLONG)
	}
	text := windows.NTUnicodeString{Length: uint16(2 * len(name)), MaximumLength: uint16(2 * len(name))}
	if len(name) > 0 {
		text.Buffer = &name[0]
	}
	attributes := windows.OBJECT_ATTRIBUTES{RootDirectory: root, ObjectName: &text, Attributes: windows.OBJ_CASE_INSENSITIVE | flags}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	var handle windows.Handle
	var status windows.IO_STATUS_BLOCK
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	err := windows.NtCreateFile(&handle, access, &attributes, &status, nil, 0, share, windows.FILE_OPEN, options, 0, 0)
	if err != nil {
		return 0, statusError(err)
	}
	return handle, nil
}

// statusError gives the error of Windows for a status of its kernel.
func statusError(err error) error {
	var status windows.NTStatus
	if !errors.As(err, &status) {
		return err
	}
	switch status {
	case windows.STATUS_REPARSE_POINT_ENCOUNTERED:
		return ErrLink
	case windows.STATUS_DELETE_PENDING:
		return fmt.Errorf("%w: %w", status, fs.ErrNotExist)
	}
	return locked(status.Errno())
}

// locked names the errors of a file that somebody else has for himself.
func locked(err error) error {
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return fmt.Errorf("%w (%w)", ErrLocked, err)
	}
	return err
}
