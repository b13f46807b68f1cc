package authenticode

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/winfile"
	"hozen/packager/evidence"
)

// TrustOf asks Windows whether a file (by its name, or \\?\ and its name) is signed by
// somebody whom this PC trusts: by its own signature (WinVerifyTrust), else by one of the
// system's catalogues (CryptCATAdmin…). Nothing is asked of the network: revocation is not
// looked up, and no certificate is fetched. Windows' own code reads the file for it, which
// maps it as data, by a handle of ours: nothing is recalled from a cloud, and no time moves
// where we may say so (SetFileTime). It may take seconds for a large file. An error with a
// verdict says that the catalogues could not be looked at: then nobody can tell. Where the
// registry names other DLLs than Windows' own for it, it is not asked.
func TrustOf(name string) (Trust, error) {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return Trust{}, &os.PathError{Op: "WinVerifyTrust", Path: name, Err: err}
	}
	if err := trustworthy(); err != nil {
		return Trust{}, err
	}
	h, err := openFile(name, path)
	if err != nil {
		return Trust{}, err
	}
	defer windows.CloseHandle(h)
	f := &windows.WinTrustFileInfo{Size: uint32(unsafe.Sizeof(windows.WinTrustFileInfo{})), FilePath: path, File: h}
	code := verify(windows.WTD_CHOICE_FILE, unsafe.Pointer(f))
	t := Trust{Verdict: verdict(code)}
	const nobodys, unknownForm, unknownProvider = 0x800b0100, 0x800b0003, 0x800b0001
	if code != nobodys && code != unknownForm && code != unknownProvider {
		return t, nil
	}
	if inCatalog, found, err := catalogTrust(h, path); err != nil || found {
		return cmp.Or(inCatalog, t), err
	}
	return t, nil
}

// openFile opens a file for reading as collector.Host does; one whose contents are not on
// this PC is skipped.
func openFile(name string, path *uint16) (windows.Handle, error) {
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	const flags = windows.FILE_FLAG_OPEN_NO_RECALL | windows.FILE_FLAG_BACKUP_SEMANTICS
	h, err := windows.CreateFile(path, windows.GENERIC_READ|windows.FILE_WRITE_ATTRIBUTES, share, nil, windows.OPEN_EXISTING, flags, 0)
	if err == nil {
		keep := &windows.Filetime{LowDateTime: 0xffffffff, HighDateTime: 0xffffffff}
		_ = windows.SetFileTime(h, nil, keep, nil)
	} else if h, err = windows.CreateFile(path, windows.GENERIC_READ, share, nil, windows.OPEN_EXISTING, flags, 0); err != nil {
		return 0, &os.PathError{Op: "open", Path: name, Err: err}
	}
	var info windows.ByHandleFileInformation
	if err = windows.GetFileInformationByHandle(h, &info); err != nil {
		err = &os.PathError{Op: "open", Path: name, Err: err}
	} else if info.FileAttributes&(winfile.RecallOnDataAccess|winfile.RecallOnOpen) != 0 {
		err = evidence.Skip("%s: its contents are not on this PC, and were not fetched", name)
	}
	if err != nil {
		windows.CloseHandle(h)
		return 0, err
	}
	return h, nil
}

// verify calls WinVerifyTrust and lets go of what it keeps
// (https://learn.microsoft.com/windows/win32/api/wintrust/nf-wintrust-winverifytrust).
func verify(choice uint32, subject unsafe.Pointer) (code uint32) {
	data := &windows.WinTrustData{
		Size: uint32(unsafe.Sizeof(windows.WinTrustData{})), UIChoice: windows.WTD_UI_NONE, RevocationChecks: windows.WTD_REVOKE_NONE,
		UnionChoice: choice, StateAction: windows.WTD_STATEACTION_VERIFY, FileOrCatalogOrBlobOrSgnrOrCert: subject,
		ProvFlags: windows.WTD_CACHE_ONLY_URL_RETRIEVAL | windows.WTD_REVOCATION_CHECK_NONE | windows.WTD_DISABLE_MD2_MD4,
	}
	action := windows.WINTRUST_ACTION_GENERIC_VERIFY_V2
	err := windows.WinVerifyTrustEx(windows.InvalidHWND, &action, data)
	data.StateAction = windows.WTD_STATEACTION_CLOSE
	windows.WinVerifyTrustEx(windows.InvalidHWND, &action, data)
	var errno windows.Errno
	if errors.As(err, &errno) {
		return uint32(errno)
	}
	return 0
}

// catalogInfo is CATALOG_INFO (mscat.h).
type catalogInfo struct {
	size uint32
	file [windows.MAX_PATH]uint16
}

// winTrustCatalogInfo is WINTRUST_CATALOG_INFO (wintrust.h).
type winTrustCatalogInfo struct {
	size, version         uint32
	catalog, tag, member  *uint16
	file                  windows.Handle
	hash                  *byte
	hashSize              uint32
	context, catalogAdmin uintptr
}

// catalogTrust looks the file's hash up in the catalogues of the system: SHA-256 first,
// then SHA-1 of older ones
// (https://learn.microsoft.com/windows/win32/api/mscat/nf-mscat-cryptcatadminacquirecontext2).
func catalogTrust(h windows.Handle, path *uint16) (t Trust, found bool, err error) {
	dll := windows.NewLazySystemDLL("wintrust.dll")
	acquire, hash := dll.NewProc("CryptCATAdminAcquireContext2"), dll.NewProc("CryptCATAdminCalcHashFromFileHandle2")
	enum, info := dll.NewProc("CryptCATAdminEnumCatalogFromHash"), dll.NewProc("CryptCATCatalogInfoFromContext")
	release, releaseCatalog := dll.NewProc("CryptCATAdminReleaseContext"), dll.NewProc("CryptCATAdminReleaseCatalogContext")
	for _, p := range []*windows.LazyProc{acquire, hash, enum, info, release, releaseCatalog} {
		if err := p.Find(); err != nil {
			return t, false, evidence.NotHere("catalogues: %v", err)
		}
	}
	const notFound = windows.Errno(0x80070490) // some of these set an HRESULT
	failed := func(what string, errno error) {
		if errno != windows.ERROR_NOT_FOUND && errno != notFound { // no catalogue has the hash
			err = cmp.Or(err, fmt.Errorf("catalogues: %s: %w", what, errno))
		}
	}
	for _, algorithm := range []string{"SHA256", "SHA1"} {
		a, bad := windows.UTF16PtrFromString(algorithm)
		if bad != nil {
			return t, false, bad
		}
		if _, bad := windows.Seek(h, 0, 0); bad != nil { // wherever the last reader left it
			return t, false, bad
		}
		var admin uintptr
		if ok, _, errno := acquire.Call(uintptr(unsafe.Pointer(&admin)), 0, uintptr(unsafe.Pointer(a)), 0, 0); ok == 0 {
			failed(algorithm, errno)
			continue
		}
		var sum [64]byte
		n := uint32(len(sum))
		if ok, _, errno := hash.Call(admin, uintptr(h), uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&sum[0])), 0); ok == 0 {
			failed("hash", errno)
		} else if catalog, _, errno := enum.Call(admin, uintptr(unsafe.Pointer(&sum[0])), uintptr(n), 0, 0); catalog == 0 {
			failed("look", errno)
		} else {
			ci := catalogInfo{size: uint32(unsafe.Sizeof(catalogInfo{}))}
			if ok, _, errno := info.Call(catalog, uintptr(unsafe.Pointer(&ci)), 0); ok != 0 {
				t, found = verifyCatalog(path, admin, h, &ci, sum[:n]), true
			} else {
				failed("name", errno)
			}
			releaseCatalog.Call(admin, catalog, 0)
		}
		release.Call(admin, 0)
		if found {
			return t, true, nil
		}
	}
	return t, false, err
}

// verifyCatalog asks whether a catalogue that lists the hash is signed by somebody
// trusted; the member's tag is the hash in capitals.
func verifyCatalog(path *uint16, admin uintptr, h windows.Handle, ci *catalogInfo, sum []byte) Trust {
	const digits = "0123456789ABCDEF"
	tag := make([]uint16, 0, 2*len(sum)+1)
	for _, b := range sum {
		tag = append(tag, uint16(digits[b>>4]), uint16(digits[b&15]))
	}
	tag = append(tag, 0)
	c := &winTrustCatalogInfo{
		size: uint32(unsafe.Sizeof(winTrustCatalogInfo{})), catalog: &ci.file[0], tag: &tag[0], member: path,
		file: h, hash: &sum[0], hashSize: uint32(len(sum)), catalogAdmin: admin,
	}
	return Trust{Verdict: verdict(verify(windows.WTD_CHOICE_CATALOG, unsafe.Pointer(c))), Catalog: windows.UTF16ToString(ci.file[:])}
}

// verdict names what WinVerifyTrust gives (wintrust.h, winerror.h).
func verdict(code uint32) string {
	names := map[uint32]string{
		0: Trusted, 0x800b0001: "TRUST_E_PROVIDER_UNKNOWN", 0x800b0003: "TRUST_E_SUBJECT_FORM_UNKNOWN", 0x800b0004: "TRUST_E_SUBJECT_NOT_TRUSTED",
		0x800b0100: noSignature, 0x800b0101: "CERT_E_EXPIRED", 0x800b0109: "CERT_E_UNTRUSTEDROOT", 0x800b010a: "CERT_E_CHAINING",
		0x800b010c: "CERT_E_REVOKED", 0x800b0111: "TRUST_E_EXPLICIT_DISTRUST", 0x80096010: badDigest, 0x80092026: "CRYPT_E_SECURITY_SETTINGS",
		0x80096005: "TRUST_E_TIME_STAMP", 0x800b010e: "CERT_E_REVOCATION_FAILURE", 0x80092003: "CRYPT_E_FILE_ERROR", 0x800b0110: "CERT_E_WRONG_USAGE",
	}
	if name := names[code]; name != "" {
		return name
	}
	return fmt.Sprintf("%#08x", code)
}
