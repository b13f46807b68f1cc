package collector

import (
	"errors"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/utf16"
	"hozen/collector/winfile"
)

// Classes of GetFileInformationByHandleEx (FILE_INFO_BY_HANDLE_CLASS, minwinbase.h).
const (
	classBasic, classStandard, className, classStreams = 0, 1, 2, 7
	classTag, classBothDir, classBothDirRestart        = 9, 10, 11
	classID                                            = 18
)

const maxAnswer = 1 << 20 // bytes of one answer, of streams

// query asks about an open file; room is how many bytes the answer may have.
func query(handle windows.Handle, class uint32, b []byte) error {
	return windows.GetFileInformationByHandleEx(handle, class, &b[0], uint32(len(b)))
}

// attributesOf gives attributes and the tag of an open file.
func attributesOf(handle windows.Handle) (*winfile.Info, error) {
	info, b := &winfile.Info{}, aligned(40)
	if err := query(handle, classTag, b[:8]); err == nil {
		return info, info.AttributeTag(b)
	}
	if err := query(handle, classBasic, b); err != nil { // a file system without reparse points
		return nil, err
	}
	return info, info.Basic(b)
}

// aligned gives room for structures that hold 64-bit numbers.
func aligned(n int) []byte {
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

// identify gives the number of a file and that of its volume. The number of 64 bits that
// every file system gives is not unique on ReFS: where one of 128 is known, it is that.
func identify(handle windows.Handle, info *winfile.Info) error {
	var d windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(handle, &d); err != nil {
		return err
	}
	info.Serial, info.ID, info.Links = d.VolumeSerialNumber, uint64(d.FileIndexHigh)<<32|uint64(d.FileIndexLow), d.NumberOfLinks
	if b := aligned(24); query(handle, classID, b) == nil {
		return info.FileID(b)
	}
	return nil
}

// describe asks for all that is told of an open file.
func describe(handle windows.Handle) (*winfile.Info, error) {
	info, err := attributesOf(handle)
	if err != nil {
		return nil, err
	}
	tag, b := info.Tag, aligned(40)
	if err := query(handle, classBasic, b); err != nil {
		return nil, err
	}
	if err := info.Basic(b); err != nil {
		return nil, err
	}
	info.Tag = tag
	if err := query(handle, classStandard, b[:24]); err == nil {
		err = info.Standard(b)
		if err != nil {
			return nil, err
		}
	}
	_ = identify(handle, info) // a file system without numbers has files all the same
	if tag != 0 {
		info.Target = targetOf(handle)
	}
	info.Owner = ownerOf(handle)
	return info, nil
}

// targetOf reads where a link leads; "" where it cannot be read or leads nowhere.
func targetOf(handle windows.Handle) string {
	b := aligned(16 << 10) // MAXIMUM_REPARSE_DATA_BUFFER_SIZE
	var n uint32
	if err := windows.DeviceIoControl(handle, windows.FSCTL_GET_REPARSE_POINT, nil, 0, &b[0], uint32(len(b)), &n, nil); err != nil {
		return ""
	}
	_, target, _ := winfile.Target(b[:n])
	return target
}

// ownerOf gives the SID of the owner; "" where we may not know.
func ownerOf(handle windows.Handle) string {
	sd, err := windows.GetSecurityInfo(handle, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return ""
	}
	owner, _, err := sd.Owner()
	if err != nil || owner == nil {
		return ""
	}
	defer runtime.KeepAlive(sd)
	return owner.String()
}

// streamsOf lists the streams of an open file or directory. File systems without
// streams have none.
func streamsOf(handle windows.Handle) ([]winfile.DataStream, error) {
	for room := 4 << 10; ; room *= 8 {
		b := aligned(room)
		err := query(handle, classStreams, b)
		switch {
		case errors.Is(err, windows.ERROR_MORE_DATA) && room < maxAnswer:
			continue
		case errors.Is(err, windows.ERROR_HANDLE_EOF), // none at all: a directory
			errors.Is(err, windows.ERROR_INVALID_PARAMETER), errors.Is(err, windows.ERROR_INVALID_FUNCTION),
			errors.Is(err, windows.ERROR_NOT_SUPPORTED), errors.Is(err, windows.ERROR_CALL_NOT_IMPLEMENTED):
			return nil, nil
		case err != nil:
			return nil, err
		}
		return winfile.Streams(b)
	}
}

// listNames lists an open directory, at most maxNames and some.
func listNames(handle windows.Handle) (names []string, err error) {
	b := aligned(64 << 10)
	for class := uint32(classBothDirRestart); len(names) < maxNames; class = classBothDir {
		err := query(handle, class, b)
		if errors.Is(err, windows.ERROR_NO_MORE_FILES) {
			return names, nil
		}
		if err != nil {
			return names, err
		}
		if names, err = winfile.Names(names, b); err != nil {
			return names, err
		}
	}
	return names, nil
}

// nameOf gives the name of an open file below its volume, as it was opened.
func nameOf(handle windows.Handle) (string, error) {
	b := aligned(68 << 10)
	if err := query(handle, className, b); err != nil {
		return "", err
	}
	n := *(*uint32)(unsafe.Pointer(&b[0]))
	return utf16.WTF8(b[4:min(uint64(len(b)), 4+uint64(n))]), nil
}

// Identity gives what makes an open file the same one; false where nothing is known.
func Identity(f *os.File) (id FileID, ok bool) {
	var info winfile.Info
	if err := identify(windows.Handle(f.Fd()), &info); err != nil {
		return FileID{}, false
	}
	return FileID{Dev: uint64(info.Serial), Inode: info.ID}, true
}

// KeepsTimes says whether reading an open file moves no time of it: whether Open was
// granted the right to say so (ObjectBasicInformation of NtQueryObject).
func KeepsTimes(f *os.File) bool {
	b := aligned(56) // PUBLIC_OBJECT_BASIC_INFORMATION (ntifs.h): attributes, then the access granted
	call := windows.NewLazySystemDLL("ntdll.dll").NewProc("NtQueryObject")
	if call.Find() != nil {
		return false
	}
	status, _, _ := call.Call(f.Fd(), 0, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0)
	return status == 0 && *(*uint32)(unsafe.Pointer(&b[4]))&windows.FILE_WRITE_ATTRIBUTES != 0
}
