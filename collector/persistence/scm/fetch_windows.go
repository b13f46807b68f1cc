package scm

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	allTypes  = 0x3ff // SERVICE_TYPE_ALL since Windows 10
	oldTypes  = 0x3b  // SERVICE_WIN32 | SERVICE_DRIVER, where that is not known
	listSize  = 256 << 10
	maxAnswer = 1 << 20
)

// Manager asks the Service Control Manager of this machine.
type Manager struct{ handle windows.Handle }

// Open connects with the rights to list and to ask.
func Open() (*Manager, error) {
	h, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_ENUMERATE_SERVICE)
	if err != nil {
		return nil, fmt.Errorf("OpenSCManagerW: %w", err)
	}
	return &Manager{h}, nil
}

// Close ends the connection.
func (m *Manager) Close() { windows.CloseServiceHandle(m.handle) }

// List implements Asker.
func (m *Manager) List() (answers []Answer, counts []uint32, err error) {
	types := uint32(allTypes)
	var resume uint32
	for range 4096 {
		b := make([]byte, listSize) // EnumServicesStatusEx takes 256 KiB at most
		var needed, count uint32
		err = windows.EnumServicesStatusEx(m.handle, windows.SC_ENUM_PROCESS_INFO, types, windows.SERVICE_STATE_ALL, &b[0], uint32(len(b)), &needed, &count, &resume, nil)
		if errors.Is(err, windows.ERROR_INVALID_PARAMETER) && types == allTypes {
			types = oldTypes
			continue
		}
		more := errors.Is(err, windows.ERROR_MORE_DATA)
		if err != nil && !more {
			return answers, counts, fmt.Errorf("EnumServicesStatusExW: %w", err)
		}
		answers = append(answers, Answer{Base: uint64(uintptr(unsafe.Pointer(&b[0]))), Data: b})
		counts = append(counts, count)
		if !more || count == 0 {
			return answers, counts, nil
		}
	}
	return answers, counts, errors.New("EnumServicesStatusExW: no end of the list")
}

// Query implements Asker.
func (m *Manager) Query(name string, levels []Level) (answers map[Level]Answer, errs map[Level]error, opened error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, nil, fmt.Errorf("OpenServiceW: %w", err)
	}
	h, err := windows.OpenService(m.handle, p, windows.SERVICE_QUERY_CONFIG)
	if err != nil {
		return nil, nil, fmt.Errorf("OpenServiceW: %w", err)
	}
	defer windows.CloseServiceHandle(h)
	answers, errs = map[Level]Answer{}, map[Level]error{}
	for _, level := range levels {
		a, err := config(h, level)
		if err != nil {
			errs[level] = err
			continue
		}
		answers[level] = a
	}
	return answers, errs, nil
}

// config asks for one level, with a buffer that grows to what is needed.
func config(h windows.Handle, level Level) (Answer, error) {
	size := uint32(4096)
	for range 8 {
		b := make([]byte, size)
		var needed uint32
		var err error
		if level == Basic {
			err = windows.QueryServiceConfig(h, (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&b[0])), size, &needed)
		} else {
			err = windows.QueryServiceConfig2(h, uint32(level), &b[0], size, &needed)
		}
		if err == nil {
			return Answer{Base: uint64(uintptr(unsafe.Pointer(&b[0]))), Data: b}, nil
		}
		if !errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) || needed <= size || needed > maxAnswer {
			return Answer{}, err
		}
		size = needed
	}
	return Answer{}, windows.ERROR_INSUFFICIENT_BUFFER
}
