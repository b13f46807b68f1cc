package secret

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

const machineSeals = true

// machineEntropy is mixed into what DPAPI seals, so that nothing else that was sealed on this
// machine is taken for a key. It is no secret.
const machineEntropy = "hozen/device-key/1"

// protect seals to the machine (CryptProtectData): nobody is asked for anything.
func protect(plain []byte) ([]byte, error) {
	var out windows.DataBlob
	in, entropy := blobOf(plain), blobOf([]byte(machineEntropy))
	err := windows.CryptProtectData(&in, nil, &entropy, 0, nil, windows.CRYPTPROTECT_LOCAL_MACHINE|windows.CRYPTPROTECT_UI_FORBIDDEN, &out)
	if err != nil {
		return nil, fmt.Errorf("CryptProtectData: %w", err)
	}
	defer release0(out)
	return append([]byte(nil), bytesOf(out)...), nil
}

// unprotect opens what protect sealed into b, and erases what the system made of it.
func unprotect(sealed, b []byte) (n int, err error) {
	var out windows.DataBlob
	in, entropy := blobOf(sealed), blobOf([]byte(machineEntropy))
	if err := windows.CryptUnprotectData(&in, nil, &entropy, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out); err != nil {
		return 0, fmt.Errorf("%w: CryptUnprotectData: %w", ErrMachine, err)
	}
	defer release0(out)
	if int(out.Size) > len(b) {
		return 0, ErrOther
	}
	return copy(b, bytesOf(out)), nil
}

func blobOf(b []byte) windows.DataBlob {
	return windows.DataBlob{Size: uint32(len(b)), Data: unsafe.SliceData(b)}
}

func bytesOf(b windows.DataBlob) []byte { return unsafe.Slice(b.Data, b.Size) }

// release0 erases what the system allocated, and lets go of it.
func release0(b windows.DataBlob) {
	clear(bytesOf(b))
	windows.LocalFree(windows.Handle(unsafe.Pointer(b.Data)))
}
