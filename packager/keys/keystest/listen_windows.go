package keystest

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// Name is where an agent of a test can listen: dir is a folder of its own.
func Name(dir string) string { return `\\.\pipe\hozen-` + filepath.Base(dir) }

// Listen calls each for everybody who comes, beside the others, who closes the connection.
func Listen(name string, each func(io.ReadWriteCloser)) (stop func() error, err error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	instance := func(flags uint32) (windows.Handle, error) {
		return windows.CreateNamedPipe(p, windows.PIPE_ACCESS_DUPLEX|windows.FILE_FLAG_OVERLAPPED|flags,
			windows.PIPE_TYPE_BYTE|windows.PIPE_REJECT_REMOTE_CLIENTS, windows.PIPE_UNLIMITED_INSTANCES, 5<<10, 5<<10, 0, nil)
	}
	h, err := instance(windows.FILE_FLAG_FIRST_PIPE_INSTANCE)
	if err != nil {
		return nil, &os.PathError{Op: "listen", Path: name, Err: err}
	}
	stopped, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return nil, errors.Join(err, windows.CloseHandle(h))
	}
	done := make(chan error, 1)
	go func() {
		for {
			err := connect(h, stopped)
			if err != nil {
				done <- errors.Join(windows.CloseHandle(h), windows.CloseHandle(stopped))
				return
			}
			go each(os.NewFile(uintptr(h), name))
			if h, err = instance(0); err != nil {
				done <- errors.Join(err, windows.CloseHandle(stopped))
				return
			}
		}
	}()
	return func() error { return errors.Join(windows.SetEvent(stopped), <-done) }, nil
}

// connect waits for somebody, until stopped is set.
func connect(h, stopped windows.Handle) error {
	came, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(came)
	o := windows.Overlapped{HEvent: came}
	err = windows.ConnectNamedPipe(h, &o)
	switch {
	case err == nil, errors.Is(err, windows.ERROR_PIPE_CONNECTED):
		return nil
	case !errors.Is(err, windows.ERROR_IO_PENDING):
		return err
	}
	which, err := windows.WaitForMultipleObjects([]windows.Handle{came, stopped}, false, windows.INFINITE)
	if err == nil && which == windows.WAIT_OBJECT_0 {
		return nil
	}
	var n uint32
	return errors.Join(os.ErrClosed, err, windows.CancelIoEx(h, &o), windows.GetOverlappedResult(h, &o, &n, true))
}
