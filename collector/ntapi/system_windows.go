package ntapi

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/packager/evidence"
)

// native finds a function of ntdll. It is a function, because a package variable would be state.
func native(name string) *windows.LazyProc {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc(name)
}

// nativeError turns an NTSTATUS into an error.
func nativeError(what string, status uint32) error {
	return statusError(what, status, windows.NTStatus(status).Errno())
}

// QuerySystem asks NtQuerySystemInformation for a class, whose answer may have at most limit
// bytes. Classes of a fixed size need no limit.
func QuerySystem(class SystemClass, limit int) (Answer, error) {
	what := fmt.Sprintf("NtQuerySystemInformation class %d", class)
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return Answer{}, evidence.NotHere("%s: only a 64-bit program is told the whole", what)
	}
	size, fixed := fixedSize(class)
	if fixed {
		limit = max(limit, 1<<12)
	}
	return grow(what, size, limit, func(b []byte, n *uint32) uint32 {
		if class == SystemCodeIntegrity {
			binary.LittleEndian.PutUint32(b, uint32(len(b))) // the caller says which form it knows
		}
		err := windows.NtQuerySystemInformation(int32(class), unsafe.Pointer(&b[0]), uint32(len(b)), n)
		return statusOf(err)
	})
}

func statusOf(err error) uint32 {
	if s, ok := err.(windows.NTStatus); ok {
		return uint32(s)
	}
	return 0
}

// failed says whether a status is a warning or an error (NT_ERROR and NT_WARNING).
func failed(status uint32) bool { return status >= 0x80000000 }

// grow calls ask with ever larger buffers until the answer fits, or is larger than limit.
func grow(what string, size, limit int, ask func(b []byte, n *uint32) uint32) (Answer, error) {
	for {
		b := make([]byte, size)
		var n uint32
		status := ask(b, &n)
		switch {
		case tooSmall(status):
			if size >= limit {
				return Answer{}, evidence.Cut("%s: the answer has more than %d bytes", what, limit)
			}
			size = min(limit, max(2*size, int(n)+int(n)/8))
			if int(n) > len(b) && int(n) < 1<<12 {
				size = int(n) // some classes take their exact size only
			}
			continue
		case failed(status):
			return Answer{}, nativeError(what, status)
		}
		if n > 0 && int(n) < len(b) {
			b = b[:n]
		}
		return Answer{Base: uint64(uintptr(unsafe.Pointer(&b[0]))), Data: b}, nil
	}
}

// fixedSize gives the size of classes whose answer always has the same, and a beginning for others.
func fixedSize(class SystemClass) (size int, fixed bool) {
	switch class {
	case SystemBasic:
		return 0x40, true
	case SystemTimeOfDay:
		return 0x30, true
	case SystemKernelDebugger, SystemSecureBoot:
		return 2, true
	case SystemKernelDebuggerEx:
		return 3, true
	case SystemCodeIntegrity:
		return 8, true
	case SystemBootEnvironment:
		return 0x20, true
	case SystemHypervisor, SystemIsolatedUserMode:
		return 0x10, true
	case SystemHypervisorDetail:
		return 0x70, true
	}
	return 1 << 16, false
}

// QueryObjectTypes asks NtQueryObject for ObjectTypesInformation.
func QueryObjectTypes() (Answer, error) {
	ask := native("NtQueryObject")
	if err := ask.Find(); err != nil {
		return Answer{}, err
	}
	const objectTypesInformation = 3
	return grow("NtQueryObject class 3", 1<<14, 1<<20, func(b []byte, n *uint32) uint32 {
		r, _, _ := ask.Call(0, objectTypesInformation, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(n)))
		return uint32(r)
	})
}

// ReadDrives asks QueryDosDevice what each drive letter leads to. Nothing on the drives is touched.
func ReadDrives() Drives {
	var all Drives
	for letter := 'A'; letter <= 'Z'; letter++ {
		name := [3]uint16{uint16(letter), ':'}
		var to [1024]uint16
		if n, err := windows.QueryDosDevice(&name[0], &to[0], uint32(len(to))); err == nil && n > 0 {
			all = append(all, Drive{string(letter) + ":", windows.UTF16ToString(to[:n])})
		}
	}
	return all
}

// EnablePrivilege enables a privilege of our own token, where it is held, for this process
// until it ends. It says whether the privilege is enabled then; the error why that is not known.
func EnablePrivilege(luid uint32) (bool, error) {
	var token windows.Token
	if err := windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_QUERY|windows.TOKEN_ADJUST_PRIVILEGES, &token); err != nil {
		return false, fmt.Errorf("OpenProcessToken: %w", err)
	}
	defer token.Close()
	want := windows.Tokenprivileges{PrivilegeCount: 1, Privileges: [1]windows.LUIDAndAttributes{
		{Luid: windows.LUID{LowPart: luid}, Attributes: windows.SE_PRIVILEGE_ENABLED},
	}}
	if err := windows.AdjustTokenPrivileges(token, false, &want, 0, nil, nil); err != nil {
		return false, fmt.Errorf("AdjustTokenPrivileges: %w", err)
	}
	a, err := queryToken(token, TokenPrivileges) // success alone does not say that all were assigned
	if err != nil {
		return false, err
	}
	all, err := ParsePrivileges(a)
	for _, p := range all {
		if p.LUID == uint64(luid) {
			return p.Enabled(), nil
		}
	}
	return false, err
}

func queryToken(token windows.Token, class TokenClass) (Answer, error) {
	what := fmt.Sprintf("GetTokenInformation class %d", class)
	for size := uint32(256); size <= 1<<20; {
		b := make([]byte, size)
		var n uint32
		err := windows.GetTokenInformation(token, uint32(class), &b[0], size, &n)
		if err == nil {
			return Answer{uint64(uintptr(unsafe.Pointer(&b[0]))), b[:min(n, size)]}, nil
		}
		switch err {
		case windows.ERROR_INVALID_FUNCTION, windows.ERROR_INVALID_PARAMETER, windows.ERROR_CALL_NOT_IMPLEMENTED, windows.ERROR_NOT_SUPPORTED:
			return Answer{}, evidence.NotHere("%s: this Windows does not answer: %v", what, err)
		}
		if err != windows.ERROR_INSUFFICIENT_BUFFER && err != windows.ERROR_BAD_LENGTH || n <= size {
			return Answer{}, fmt.Errorf("%s: %w", what, err)
		}
		size = n
	}
	return Answer{}, evidence.Cut("%s: the answer is larger than the limit", what)
}
