package volatile

import "testing"

func TestStorageDescriptor(t *testing.T) {
	stick := make([]byte, 40) // as of a USB stick: version and size 40, removable, bus type 7
	stick[0], stick[4], stick[10], stick[28] = 40, 40, 1, 7
	if removable, usb, err := storageDescriptor(stick); !removable || !usb || err != nil {
		t.Errorf("stick: %v %v %v", removable, usb, err)
	}
	disk := make([]byte, 40)
	disk[28] = 11 // BusTypeSata
	if removable, usb, err := storageDescriptor(disk); removable || usb || err != nil {
		t.Errorf("disk: %v %v %v", removable, usb, err)
	}
	if _, _, err := storageDescriptor(stick[:31]); err == nil {
		t.Error("a descriptor that was cut passes")
	}
}
