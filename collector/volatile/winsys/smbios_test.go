package winsys

import (
	"encoding/binary"
	"testing"
)

func smbiosTable(structures ...string) []byte {
	b := []byte{0, 3, 2, 0, 0, 0, 0, 0}
	for _, s := range structures {
		b = append(b, s...)
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func usualSMBIOS() []byte {
	return smbiosTable(
		"\x00\x0a\x00\x00\x01\x02\x00\x00\x03\x00"+"Maker of BIOS\x00 1.2 \x0001/02/2026\x00\x00",
		"\x01\x1b\x01\x00\x01\x02\x00\x03"+"\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff"+"\x06\x04\x00"+"ACME\x00PC 7\x00SN-1\x00SKU-9\x00\x00",
		"\x02\x08\x02\x00\x01\x02\x00\x03"+"Boards\x00B1\x00\xff\xfe\x00\x00",
		"\x03\x09\x03\x00\x01\x8a\x00\x00\x02"+"Cases\x00TAG\x00\x00",
		"\x7f\x04\x04\x00\x00\x00", "rubbish behind the end")
}

func TestSMBIOS(t *testing.T) {
	s, err := ParseSMBIOS(usualSMBIOS())
	want := SMBIOS{BIOSMaker: "Maker of BIOS", BIOSVersion: "1.2", BIOSDate: "01/02/2026", Maker: "ACME", Model: "PC 7", Serial: "SN-1", SKU: "SKU-9",
		UUID: "00112233-4455-6677-8899-aabbccddeeff", BoardMaker: "Boards", BoardName: "B1", BoardSerial: "\xff\xfe", Chassis: "10", ChassisTag: "TAG"}
	if err != nil || s != want {
		t.Errorf("%+v, %v", s, err)
	}
	cut := usualSMBIOS()[:60]
	if s, err := ParseSMBIOS(cut); err == nil || s.BIOSMaker != "Maker of BIOS" {
		t.Errorf("cut: %+v, %v", s, err)
	}
}

func FuzzSMBIOS(f *testing.F) {
	f.Add(usualSMBIOS())
	f.Add(smbiosTable("\x01\xff", "\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = ParseSMBIOS(b) })
}
