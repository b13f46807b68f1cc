package private

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Open opens a file as os.OpenFile does; one that it makes belongs to who alone from its
// first moment on. On a network drive the server says who may use it, and on a file system
// without access lists nobody does.
func Open(name string, flag int, who Who) (*os.File, error) {
	if flag&os.O_CREATE == 0 || remote(name) {
		return os.OpenFile(name, flag, 0o600)
	}
	for range 10 {
		f, err := create(name, flag, who)
		if flag&os.O_EXCL != 0 || !errors.Is(err, os.ErrExist) {
			return f, err
		}
		if f, err = os.OpenFile(name, flag&^os.O_CREATE, 0o600); !errors.Is(err, os.ErrNotExist) {
			return f, err
		}
	}
	return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrExist}
}

// create makes a file that is not there yet. Sharing is that of os.OpenFile.
func create(name string, flag int, who Who) (*os.File, error) {
	wrong := func(err error) error { return &os.PathError{Op: "open", Path: name, Err: err} }
	attrs, err := attributes(false, who)
	if err != nil {
		return nil, wrong(err)
	}
	p, err := windows.UTF16PtrFromString(longName(name))
	if err != nil {
		return nil, wrong(err)
	}
	access := uint32(windows.GENERIC_WRITE)
	switch {
	case flag&os.O_RDWR != 0:
		access |= windows.GENERIC_READ
	case flag&os.O_WRONLY == 0:
		access = windows.GENERIC_READ
	}
	if flag&os.O_APPEND != 0 {
		access = access&^windows.GENERIC_WRITE | windows.FILE_APPEND_DATA | windows.FILE_WRITE_ATTRIBUTES | windows.FILE_WRITE_EA | windows.STANDARD_RIGHTS_WRITE | windows.SYNCHRONIZE
	}
	h, err := windows.CreateFile(p, access, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, attrs, windows.CREATE_NEW, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, wrong(err)
	}
	return os.NewFile(uintptr(h), name), nil
}

// MkdirAll makes a folder and those above it that are not there; each belongs to who alone.
func MkdirAll(dir string, who Who) error {
	if st, err := os.Stat(dir); err == nil {
		if !st.IsDir() {
			return &os.PathError{Op: "mkdir", Path: dir, Err: windows.ERROR_DIRECTORY}
		}
		return nil
	}
	if up := filepath.Dir(dir); up != dir {
		if err := MkdirAll(up, who); err != nil {
			return err
		}
	}
	if remote(dir) {
		return os.Mkdir(dir, 0o700)
	}
	attrs, err := attributes(true, who)
	if err != nil {
		return err
	}
	p, err := windows.UTF16PtrFromString(longName(dir))
	if err == nil {
		err = windows.CreateDirectory(p, attrs)
	}
	if err != nil && !errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return &os.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	return nil
}

// Protect gives a file or folder that is there an access list for who alone, which
// inherits nothing. What is in a folder already keeps its own.
func Protect(name string, who Who) error {
	st, err := os.Lstat(name)
	if err != nil {
		return err
	}
	sd, err := descriptor(st.IsDir(), who)
	if err != nil {
		return err
	}
	list, _, err := sd.DACL()
	if err != nil {
		return err
	}
	const list1 = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	if who == Machine {
		owner, err := windows.StringToSid(Administrators)
		if err != nil {
			return err
		}
		err = windows.SetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|list1, owner, nil, list, nil)
		return named(name, err)
	}
	return named(name, windows.SetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, list1, nil, nil, list, nil))
}

func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: access list: %w", name, err)
}

// Of asks who may do what with a file or folder; a link is asked itself.
func Of(name string) (Descriptor, error) {
	const what = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION
	sd, err := windows.GetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, what)
	if err != nil {
		return Descriptor{}, named(name, err)
	}
	return Parse(unsafe.Slice((*byte)(unsafe.Pointer(sd)), sd.Length()))
}

// OnlyOurs says why somebody else than the machine and whoever runs this could change a file,
// or put another in its place: the file and the folders above it. Nil: nobody can.
func OnlyOurs(file string) error { return onlyOurs(file, Descriptor.Changers) }

// OnlyOursBelow says why somebody else could replace what is made in a folder.
func OnlyOursBelow(dir string) error { return onlyOurs(dir, Descriptor.Replacers) }

func onlyOurs(file string, first func(Descriptor, ...string) []string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	var way []string
	for path := file; ; path = filepath.Dir(path) {
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if path != filepath.Dir(path) && st.Mode()&(os.ModeSymlink|os.ModeIrregular) != 0 {
			return fmt.Errorf("%s: a link", path)
		}
		way = append(way, path)
		if path == filepath.Dir(path) {
			break
		}
	}
	me, err := self()
	if err != nil {
		return err
	}
	return judgeWay(way, Of, first, me)
}

// Secret says why somebody else than the machine and whoever runs this could read a file.
func Secret(file string) error {
	if _, err := os.Lstat(file); err != nil {
		return err
	}
	d, err := Of(file)
	if err != nil {
		return err
	}
	me, err := self()
	if err != nil {
		return err
	}
	return judgePrivate(file, d, me)
}

// descriptor is that of what is made. The owner of a file is set only where it is to be the
// machine's: whoever runs this may be nobody who can.
func descriptor(folder bool, who Who) (*windows.SECURITY_DESCRIPTOR, error) {
	third, owner := "", "O:BA"
	if who == Mine {
		me, err := self()
		if err != nil {
			return nil, err
		}
		third, owner = me, ""
	}
	return windows.SecurityDescriptorFromString(owner + listText(folder, third))
}

func attributes(folder bool, who Who) (*windows.SecurityAttributes, error) {
	sd, err := descriptor(folder, who)
	if err != nil {
		return nil, err
	}
	return &windows.SecurityAttributes{Length: uint32(unsafe.Sizeof(windows.SecurityAttributes{})), SecurityDescriptor: sd}, nil
}

// self is the SID of whoever runs this.
func self() (string, error) {
	u, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", err
	}
	return u.User.Sid.String(), nil
}

// remote says whether a path is on another machine, where our SIDs mean nothing.
func remote(name string) bool {
	abs, err := filepath.Abs(name)
	if err != nil {
		return false
	}
	volume := filepath.VolumeName(abs)
	if strings.HasPrefix(volume, `\\?\UNC\`) || strings.HasPrefix(volume, `\\`) && !strings.HasPrefix(volume, `\\?\`) && !strings.HasPrefix(volume, `\\.\`) {
		return true
	}
	p, err := windows.UTF16PtrFromString(volume + `\`)
	return err == nil && windows.GetDriveType(p) == windows.DRIVE_REMOTE
}

// longName is a name without the bound of 260 characters, where it is a long one.
func longName(name string) string {
	if len(name) < 240 || strings.HasPrefix(name, `\\`) {
		return name
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	return `\\?\` + abs
}
