package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// writable says why nothing can be written into dir, without writing: it asks for the
// right to make files there (FILE_ADD_FILE), and lets it go.
func writable(dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return &os.PathError{Op: "open", Path: dir, Err: errNotFolder}
	}
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return err
	}
	const addFile = 2 // "File Access Rights Constants"
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(name, addFile, share, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return &os.PathError{Op: "write", Path: dir, Err: err}
	}
	return windows.CloseHandle(h)
}
