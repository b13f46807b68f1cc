package winsys

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/xts"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

const at2026 = 134135136000000000 // 2026-01-22T00:00:00Z

// entry builds a metadata entry.
func entry(kind, value uint16, data []byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(8+len(data)))
	for _, v := range []uint16{kind, value, 1} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return append(b, data...)
}

func text(s string) []byte {
	b, err := utf16.Bytes(s)
	if err != nil {
		panic(err)
	}
	return append(b, 0, 0)
}

// masterKey builds an entry of a volume master key with a name and an encrypted key.
func masterKey(id byte, protection uint16, name string) []byte {
	d := bytes.Repeat([]byte{id}, 16)
	d = binary.LittleEndian.AppendUint64(d, at2026)
	d = binary.LittleEndian.AppendUint16(d, 0)
	d = binary.LittleEndian.AppendUint16(d, protection)
	if name != "" {
		d = append(d, entry(0, 2, text(name))...)
	}
	return entry(2, 8, append(d, entry(0, 5, bytes.Repeat([]byte("SECRET"), 12))...))
}

// bitlockerVolume builds the beginning of an encrypted volume after libyal's document:
// three copies of the metadata, the first of which can be damaged.
func bitlockerVolume(entries ...[]byte) []byte {
	v := make([]byte, 1<<20)
	copy(v, "\xeb\x58\x90-FVE-FS-")
	binary.LittleEndian.PutUint16(v[11:], 512)
	v[13] = 8
	binary.LittleEndian.PutUint64(v[40:], 1<<20/512)
	copy(v[160:], idWhole)
	copy(v[510:], "\x55\xaa")
	offsets := []uint64{0x10000, 0x40000, 0x80000}
	body := bytes.Join(entries, nil)
	for i, at := range offsets {
		binary.LittleEndian.PutUint64(v[176+8*i:], at)
		m := v[at:]
		copy(m, fveSignature)
		binary.LittleEndian.PutUint16(m[8:], 64) // libbde calls it the size
		binary.LittleEndian.PutUint16(m[10:], 2)
		binary.LittleEndian.PutUint16(m[12:], 4)
		binary.LittleEndian.PutUint16(m[14:], 4)
		binary.LittleEndian.PutUint64(m[16:], 1<<20)
		binary.LittleEndian.PutUint32(m[28:], 16)
		for k, o := range offsets {
			binary.LittleEndian.PutUint64(m[32+8*k:], o)
		}
		binary.LittleEndian.PutUint64(m[56:], 0xf0000)
		h := m[64:]
		binary.LittleEndian.PutUint32(h, uint32(48+len(body)))
		binary.LittleEndian.PutUint32(h[4:], 1)
		binary.LittleEndian.PutUint32(h[8:], 48)
		binary.LittleEndian.PutUint32(h[12:], uint32(48+len(body)))
		copy(h[16:], "\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x01")
		binary.LittleEndian.PutUint32(h[36:], 0x8004)
		binary.LittleEndian.PutUint64(h[40:], at2026)
		copy(h[48:], body)
	}
	return v
}

func usualVolume() []byte {
	return bitlockerVolume(entry(7, 2, text("PC-7 C: 2026/01/22")), masterKey(1, 0x0100, ""), masterKey(2, 0x0800, "DiskPassword"),
		masterKey(3, 0x0500, "a\xed\xa0\x80"), entry(3, 5, bytes.Repeat([]byte("SECRET"), 14)))
}

func TestBitLocker(t *testing.T) {
	b, head, err := ReadBitLocker(bytes.NewReader(usualVolume()))
	if err != nil {
		t.Fatal(err)
	}
	if b.Version != 2 || b.ID != "{44332211-6655-8877-99AA-BBCCDDEEFF01}" || b.Method != "aes-xts-128" || b.State != "encrypted" ||
		b.Created != "2026-01-22T00:00:00.000000000Z" || b.Description != "PC-7 C: 2026/01/22" || b.ClearKey || b.Size != 1<<20 {
		t.Errorf("%+v", b)
	}
	want := []Protector{
		{"{01010101-0101-0101-0101-010101010101}", "tpm", "", "2026-01-22T00:00:00.000000000Z"},
		{"{02020202-0202-0202-0202-020202020202}", "recovery_password", "DiskPassword", "2026-01-22T00:00:00.000000000Z"},
		{"{03030303-0303-0303-0303-030303030303}", "tpm+pin", "a\xed\xa0\x80", "2026-01-22T00:00:00.000000000Z"},
	}
	for i, p := range b.Protectors {
		if len(b.Protectors) != len(want) || p != want[i] {
			t.Errorf("protector %d: %+v", i, p)
		}
	}
	if len(head) != 512+64+48 || bytes.Contains(head, []byte("SECRET")) {
		t.Errorf("head of %d bytes", len(head))
	}
}

// TestSecondCopy: where the first copy of the metadata is damaged the second one is read.
func TestSecondCopy(t *testing.T) {
	v := usualVolume()
	copy(v[0x10000:], "rubbish!")
	if b, _, err := ReadBitLocker(bytes.NewReader(v)); err != nil || len(b.Protectors) != 3 {
		t.Errorf("%+v, %v", b, err)
	}
	for _, at := range []int{0x40000, 0x80000} {
		copy(v[at:], "rubbish!")
	}
	if _, head, err := ReadBitLocker(bytes.NewReader(v)); err == nil || !IsBitLocker(head) {
		t.Errorf("no copy left: %v, head %d", err, len(head))
	}
}

func TestJudge(t *testing.T) {
	suspended := bitlockerVolume(masterKey(1, 0x0100, ""), masterKey(9, 0, ""))
	plain := make([]byte, 4096)
	copy(plain, "\xeb\x52\x90NTFS    ")
	for _, c := range []struct {
		name                            string
		below                           []byte
		device                          string
		answers                         bool
		encryption                      string
		known, unlocked, locks, noError bool
	}{
		{"unlocked", usualVolume(), "", true, "bitlocker", true, true, true, true},
		{"locked", usualVolume(), "", false, "bitlocker", true, false, false, true},
		{"suspended", suspended, "", true, "bitlocker", true, true, false, true},
		{"plain", plain, "", true, "", true, false, false, true},
		{"not readable", nil, "", true, "", false, false, false, false},
		{"too short", []byte("x"), "", true, "", false, false, false, false},
		{"no metadata", usualVolume()[:4096], "", true, "bitlocker", true, true, true, true},
		{"veracrypt", nil, `\Device\VeraCryptVolumeT`, true, "veracrypt", true, true, true, true},
	} {
		v := Volume{Type: "fixed", Device: jsonl.Text(c.device)}
		var below io.ReaderAt
		if c.below != nil {
			below = bytes.NewReader(c.below)
		}
		v.judge(below, c.answers)
		if v.Encryption != c.encryption || v.EncryptionKnown != c.known || v.Unlocked != c.unlocked || v.LocksAtPowerOff != c.locks || (v.Err() == nil) != c.noError {
			t.Errorf("%s: %+v, %v", c.name, v, v.Err())
		}
	}
}

// TestBdeinfo lets libbde judge the volume that we made: it must see what we see.
func TestBdeinfo(t *testing.T) {
	bdeinfo, err := exec.LookPath("bdeinfo")
	if err != nil {
		t.Skipf("long test: needs bdeinfo of Debian's libbde-utils: %v", err)
	}
	v := usualVolume()
	plain := make([]byte, 512) // the boot sector that the encrypted one stands for, under a key of zeros
	copy(plain, "\xeb\x52\x90NTFS    ")
	binary.LittleEndian.PutUint16(plain[11:], 512)
	plain[13] = 8
	binary.LittleEndian.PutUint64(plain[40:], 1<<20/512)
	copy(plain[510:], "\x55\xaa")
	c, err := xts.NewCipher(aes.NewCipher, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	c.Encrypt(v[0xf0000:0xf0200], plain, 0xf0000/512)
	name := filepath.Join(t.TempDir(), "volume")
	if err := os.WriteFile(name, v, 0o600); err != nil {
		t.Fatal(err)
	}
	zeros := strings.Repeat("00", 16)
	out, err := exec.Command(bdeinfo, "-k", zeros+":"+zeros, name).CombinedOutput()
	for _, want := range []string{"AES-XTS 128-bit", "44332211-6655-8877-99aa-bbccddeeff01", "PC-7 C: 2026/01/22", "Jan 22, 2026", "Number of key protectors\t: 3", "TPM", "Recovery password",
		"01010101-0101-0101-0101-010101010101"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("bdeinfo does not say %q (%v)", want, err)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

func FuzzBitLocker(f *testing.F) {
	f.Add(usualVolume()[:0x10400])
	f.Add(bitlockerVolume()[:0x10200])
	vista := usualVolume()
	copy(vista[160:], make([]byte, 40))
	binary.LittleEndian.PutUint64(vista[56:], 16)
	f.Add(vista[:0x10400])
	f.Fuzz(func(t *testing.T, b []byte) {
		info, _, err := ReadBitLocker(bytes.NewReader(b))
		if err == nil && len(b) < 512 || len(info.Protectors) > maxProtectors {
			t.Error("too good")
		}
		if errors.Is(err, ErrNotBitLocker) && IsBitLocker(b) {
			t.Error("two minds")
		}
		_, _ = parseMetadata(b)
		_, _ = parseExtents(b)
		var d Disk
		d.device(b)
		d.geometry(b)
		_ = d.layout(b)
	})
}

// TestExtents: a volume on two disks is read where its parts lie, and never over the end
// of one.
func TestExtents(t *testing.T) {
	var b []byte
	b = binary.LittleEndian.AppendUint64(b, 2)
	for _, x := range [][3]uint64{{0, 100, 10}, {1, 5, 20}} {
		for _, v := range x {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	extents, err := parseExtents(b)
	if err != nil || len(extents) != 2 || extents[1] != (Extent{1, 5, 20}) {
		t.Fatalf("%+v, %v", extents, err)
	}
	if cut, err := parseExtents(b[:40]); err == nil || len(cut) != 1 {
		t.Errorf("cut: %+v, %v", cut, err)
	}
	r := extentReader{extents, func(n uint32) (io.ReaderAt, error) {
		return bytes.NewReader(bytes.Repeat([]byte{byte('a' + n)}, 200)), nil
	}}
	p := make([]byte, 4)
	if _, err := r.ReadAt(p, 6); err != nil || string(p) != "aaaa" {
		t.Errorf("%q, %v", p, err)
	}
	if _, err := r.ReadAt(p, 12); err != nil || string(p) != "bbbb" {
		t.Errorf("%q, %v", p, err)
	}
	for _, at := range []int64{8, 28, 30, 1 << 40} {
		if _, err := r.ReadAt(p, at); err == nil {
			t.Errorf("4 bytes at %d were read", at)
		}
	}
	if driveType(3) != "fixed" || driveType(99) != "99" {
		t.Error("types of drives")
	}
}

// TestDisk reads a disk with a GPT and one with an MBR.
func TestDisk(t *testing.T) {
	layout := make([]byte, 48+2*144)
	binary.LittleEndian.PutUint32(layout, 1)
	binary.LittleEndian.PutUint32(layout[4:], 2)
	e := layout[48:]
	binary.LittleEndian.PutUint64(e[8:], 1<<20)
	binary.LittleEndian.PutUint64(e[16:], 1<<30)
	binary.LittleEndian.PutUint32(e[24:], 1)
	e[32] = 1
	copy(e[72:], text("Basic data partition"))
	var d Disk
	if err := d.layout(layout); err != nil || d.Table != "gpt" || len(d.Partitions) != 1 || d.Partitions[0].Name != "Basic data partition" || d.Partitions[0].Size != 1<<30 {
		t.Errorf("%+v, %v", d, err)
	}
	if err := d.layout(layout[:100]); err == nil {
		t.Error("a cut table is whole")
	}
	binary.LittleEndian.PutUint32(layout, 0)
	e[32], e[33] = 7, 1
	d = Disk{}
	if err := d.layout(layout); err != nil || d.Table != "mbr" || d.Partitions[0].Type != "07" || !d.Partitions[0].Active {
		t.Errorf("%+v, %v", d, err)
	}
	descriptor := make([]byte, 64)
	descriptor[10] = 1
	binary.LittleEndian.PutUint32(descriptor[16:], 40)
	binary.LittleEndian.PutUint32(descriptor[24:], 5000)
	binary.LittleEndian.PutUint32(descriptor[28:], 7)
	copy(descriptor[40:], " Stick  ")
	d.device(descriptor)
	if d.Bus != "usb" || !d.Removable || d.Model != "Stick" || d.Serial != "" {
		t.Errorf("%+v", d)
	}
}
