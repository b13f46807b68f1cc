package registry

import (
	"errors"
	"io/fs"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/utf16"
	"hozen/packager/evidence"
)

// The documented calls are those of wdm.h (Microsoft, "ZwOpenKeyEx", "ZwEnumerateKey",
// "ZwEnumerateValueKey"): unlike those of advapi32 they take names of a length, so that
// a NUL is a character like others.
type ntdll struct {
	open, query, below, value, named *windows.LazyProc
}

// NTSTATUS codes (ntstatus.h).
const (
	statusOverflow   = 0x80000005
	statusNoMore     = 0x8000001a
	statusTooSmall   = 0xc0000023
	statusDenied     = 0xc0000022
	statusDeleted    = 0xc000017c
	statusPredefined = 0x40000016
)

const (
	objCaseInsensitive  = 0x40  // OBJ_CASE_INSENSITIVE (ntdef.h)
	objOpenLink         = 0x100 // OBJ_OPENLINK
	optionBackupRestore = 4     // REG_OPTION_BACKUP_RESTORE (winnt.h)
)

// kernelKey is a handle of the system. The one with handle 0 is no key: names opened
// from it are whole ones.
type kernelKey struct {
	dll    *ntdll
	handle windows.Handle
	backup bool // the privilege is held to open what an ACL denies
}

// systemRoot gives what whole names are opened from.
func systemRoot(elevated bool) (handle, error) {
	dll := windows.NewLazySystemDLL("ntdll.dll")
	k := &kernelKey{dll: &ntdll{
		open: dll.NewProc("NtOpenKeyEx"), query: dll.NewProc("NtQueryKey"), below: dll.NewProc("NtEnumerateKey"),
		value: dll.NewProc("NtEnumerateValueKey"), named: dll.NewProc("NtQueryValueKey"),
	}}
	for _, p := range []*windows.LazyProc{k.dll.open, k.dll.query, k.dll.below, k.dll.value, k.dll.named} {
		if err := p.Find(); err != nil {
			return nil, err
		}
	}
	k.backup = elevated && enableBackup() == nil
	return k, nil
}

// enableBackup enables SeBackupPrivilege in the token of this process, where an
// administrator has it disabled.
func enableBackup() error {
	var token windows.Token
	if err := windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_ADJUST_PRIVILEGES|windows.TOKEN_QUERY, &token); err != nil {
		return err
	}
	defer token.Close()
	p := windows.Tokenprivileges{PrivilegeCount: 1}
	name, err := windows.UTF16PtrFromString("SeBackupPrivilege")
	if err != nil {
		return err
	}
	if err := windows.LookupPrivilegeValue(nil, name, &p.Privileges[0].Luid); err != nil {
		return err
	}
	p.Privileges[0].Attributes = windows.SE_PRIVILEGE_ENABLED
	return windows.AdjustTokenPrivileges(token, false, &p, 0, nil, nil)
}

func (k *kernelKey) open(name []uint16, link bool) (handle, error) {
	if len(name) == 0 || len(name) > 0x7fff {
		return nil, fs.ErrNotExist // UNICODE_STRING counts bytes in 16 bits
	}
	text := windows.NTUnicodeString{Length: uint16(2 * len(name)), MaximumLength: uint16(2 * len(name)), Buffer: &name[0]}
	attributes := windows.OBJECT_ATTRIBUTES{RootDirectory: k.handle, ObjectName: &text, Attributes: objCaseInsensitive}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	if link {
		attributes.Attributes |= objOpenLink
	}
	below := &kernelKey{dll: k.dll, backup: k.backup}
	status := k.dll.openKey(&below.handle, &attributes, 0)
	if status == statusDenied && k.backup {
		status = k.dll.openKey(&below.handle, &attributes, optionBackupRestore)
	}
	runtime.KeepAlive(name)
	if status == statusPredefined {
		// The key stands for one such as HKEY_PERFORMANCE_TEXT, whose number we were given in
		// place of a handle, sign extended; what is a handle of ours is closed. To read what
		// it stands for runs the libraries that count.
		if uint32(below.handle)&0x80000000 == 0 {
			_ = below.close()
		}
		return nil, evidence.Skip("it stands for the predefined key %#x", uint32(below.handle))
	}
	if status != 0 {
		return nil, statusError(status)
	}
	return below, nil
}

func (d *ntdll) openKey(to *windows.Handle, attributes *windows.OBJECT_ATTRIBUTES, options uintptr) uint32 {
	r, _, _ := d.open.Call(uintptr(unsafe.Pointer(to)), windows.KEY_READ|windows.KEY_WOW64_64KEY, uintptr(unsafe.Pointer(attributes)), options)
	return uint32(r)
}

func (k *kernelKey) close() error {
	if k.handle == 0 {
		return nil
	}
	return windows.CloseHandle(k.handle)
}

// The classes of information (wdm.h: KEY_INFORMATION_CLASS, KEY_VALUE_INFORMATION_CLASS).
const (
	keyBasicInformation      = 0
	keyFullInformation       = 2
	keyValueBasicInformation = 0
	keyValueFullInformation  = 1
)

func (k *kernelKey) get(what class, number int) ([]byte, error) {
	switch what {
	case classKey:
		return fill(func(b []byte, need *uint32) uint32 {
			r, _, _ := k.dll.query.Call(uintptr(k.handle), keyFullInformation, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(need)))
			return uint32(r)
		})
	case classBelow:
		return fill(func(b []byte, need *uint32) uint32 {
			r, _, _ := k.dll.below.Call(uintptr(k.handle), uintptr(number), keyBasicInformation, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(need)))
			return uint32(r)
		})
	case classLink:
		return k.link()
	}
	b, err := k.value(number, keyValueFullInformation)
	if errors.Is(err, ErrLimit) {
		if b, e := k.value(number, keyValueBasicInformation); e == nil {
			return b, err
		}
	}
	return b, err
}

func (k *kernelKey) value(number int, class uintptr) ([]byte, error) {
	return fill(func(b []byte, need *uint32) uint32 {
		r, _, _ := k.dll.value.Call(uintptr(k.handle), uintptr(number), class, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(need)))
		return uint32(r)
	})
}

func (k *kernelKey) link() ([]byte, error) {
	name, err := utf16.Units(linkValue)
	if err != nil {
		return nil, err
	}
	text := windows.NTUnicodeString{Length: uint16(2 * len(name)), MaximumLength: uint16(2 * len(name)), Buffer: &name[0]}
	b, err := fill(func(b []byte, need *uint32) uint32 {
		r, _, _ := k.dll.named.Call(uintptr(k.handle), uintptr(unsafe.Pointer(&text)), keyValueFullInformation, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(need)))
		return uint32(r)
	})
	runtime.KeepAlive(name)
	return b, err
}

// fill asks with a buffer that grows until the answer fits; over maxData and what a
// header and a name can have it is ErrLimit.
func fill(ask func(b []byte, need *uint32) uint32) ([]byte, error) {
	for size := uint32(1 << 10); ; {
		b := make([]byte, size)
		need := uint32(0)
		status := ask(b, &need)
		if status == 0 {
			return b[:min(need, size)], nil
		}
		if status != statusOverflow && status != statusTooSmall {
			return nil, statusError(status)
		}
		if size = max(need, 2*size); size > maxData+1<<17 {
			return nil, ErrLimit
		}
	}
}

func statusError(status uint32) error {
	switch status {
	case statusNoMore:
		return errNoMore
	case statusDeleted:
		return fs.ErrNotExist
	}
	return windows.NTStatus(status).Errno()
}
