package volatile

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// powerItself asks a running Windows.
func powerItself() ([]PowerSupply, bool) {
	p := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemPowerStatus")
	var status [12]byte
	if p.Find() != nil {
		return nil, true
	}
	if ok, _, _ := p.Call(uintptr(unsafe.Pointer(&status[0]))); ok == 0 {
		return nil, true
	}
	return powerSupplies(status[0], status[1], status[2]), true
}
