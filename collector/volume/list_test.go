package volume

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"hozen/collector"
	"hozen/collector/disk/image"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Documented(t, string(b), VolumeRow{}, Extent{}, DiskRow{}, PartitionRow{}, ShadowRow{})
}

// What DeviceIoControl gives, laid out after winioctl.h.
func TestAnswersOfWindows(t *testing.T) {
	extents := make([]byte, 8+2*24)
	binary.LittleEndian.PutUint32(extents, 3) // more than there are
	binary.LittleEndian.PutUint32(extents[8:], 1)
	binary.LittleEndian.PutUint64(extents[16:], 1<<20)
	binary.LittleEndian.PutUint64(extents[24:], 5<<30)
	if got := extentsOf(extents); len(got) != 2 || got[0] != (Extent{1, 1 << 20, 5 << 30}) {
		t.Errorf("%+v", got)
	}
	if extentsOf(extents[:7]) != nil {
		t.Error("extents of nothing")
	}
	geometry := make([]byte, 32)
	binary.LittleEndian.PutUint32(geometry[20:], 4096)
	binary.LittleEndian.PutUint64(geometry[24:], 1<<40)
	for b, want := range map[int][2]int64{32: {4096, 1 << 40}, 24: {4096, 0}, 20: {0, 0}} {
		if sector, size := geometryOf(geometry[:b]); sector != want[0] || size != want[1] {
			t.Errorf("geometry of %d bytes: %d, %d", b, sector, size)
		}
	}
	if sector, _ := geometryOf(make([]byte, 32)); sector != 0 {
		t.Error("a sector of nothing")
	}
	text := "\x00Vendor  \x00Product X\x00rev\x00 SERIAL\x00"
	device := append(make([]byte, 40), text...)
	device[10] = 1
	for at, what := range map[int]string{12: "Vendor", 16: "Product", 20: "rev", 24: " SERIAL"} {
		binary.LittleEndian.PutUint32(device[at:], uint32(40+strings.Index(text, what)))
	}
	binary.LittleEndian.PutUint32(device[28:], 17)
	var d DiskRow
	if err := d.describe(device); err != nil || d.Vendor != "Vendor" || d.Product != "Product X" || d.Serial != "SERIAL" || d.Bus != "nvme" || !d.Removable {
		t.Errorf("%v, %+v", err, d)
	}
	binary.LittleEndian.PutUint32(device[24:], 1<<31)
	if err := d.describe(device); err != nil || d.Serial != "" || d.describe(device[:30]) == nil || busType(99) != "99" {
		t.Errorf("%v, %+v", err, d)
	}
	units := utf16.Encode([]rune("C:\\\x00C:\\mnt\\日\x00\x00rest"))
	if got := multiString(units); !slices.Equal(got, []jsonl.Text{`C:\`, `C:\mnt\日`}) {
		t.Errorf("%q", got)
	}
	if got := multiString([]uint16{'a', 'b'}); len(got) != 1 || driveType(3) != "fixed" || driveType(77) != "unknown" {
		t.Errorf("%q", got)
	}
}

func TestNamesOfVolumes(t *testing.T) {
	const guid = `\\?\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}\`
	for _, c := range []struct {
		row  VolumeRow
		want string
	}{
		{VolumeRow{Name: guid, Mounts: []jsonl.Text{`C:\`}}, "C"},
		{VolumeRow{Name: guid, Mounts: []jsonl.Text{`C:\mnt\`, `d:\`}}, "D"},
		{VolumeRow{Name: guid}, "4c1b02c1-d990-11dc-99ae-806e6f6e6963"},
		{VolumeRow{Name: "Z:"}, "Z"},
	} {
		if got := c.row.Short(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	remote := VolumeRow{Name: "Z:", DriveType: "remote"}
	if remote.look(); remote.Readable || remote.Outcome != "skipped" {
		t.Errorf("a drive of another machine: %+v", remote)
	}
}

func TestPartitionsOfADisk(t *testing.T) {
	b := make([]byte, 4<<20)
	copy(b[1<<20:], volumeImage(t)[:1<<20])
	copy(b[446:], []byte{0x80, 0, 0, 0, 7, 0, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0}) // 2048 sectors in, 4096 long
	copy(b[510:], "\x55\xaa")
	d, _ := deviceOn(b)
	var row DiskRow
	row.partitions(image.NewDisk(d, d.Size(), 512))
	if row.Scheme != "mbr" || len(row.Partitions) != 1 || row.Partitions[0].Holds != "ntfs" || row.Partitions[0].Start != 1<<20 {
		t.Errorf("%+v", row)
	}
}

// Shadow copies of the volume in an image: rows, and the blocks that say so.
func TestShadowCopies(t *testing.T) {
	volume := make([]byte, 1<<20)
	copy(volume, volumeImage(t)[:512])
	source := func(b []byte) shadowSource {
		return shadowSource{"partition 1", "partition-1", func() (*device, error) { d, _ := deviceOn(b); return d, nil }}
	}
	var s hosttest.Sink
	if err := collectShadows(context.Background(), &s, []shadowSource{source(volume)}, nil); err != nil {
		t.Fatal(err)
	}
	if r, _ := s.Record(ShadowTable); r.Outcome != evidence.Absent || !strings.Contains(r.Note, "never had") {
		t.Errorf("%+v", r)
	}
	shadows(volume)
	s = hosttest.Sink{}
	if err := collectShadows(context.Background(), &s, []shadowSource{source(volume), {name: "D:", open: func() (*device, error) { return nil, os.ErrPermission }}}, nil); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[ShadowRow](s.Body(ShadowTable))
	if err != nil || len(rows) != 1 || rows[0].Created != "2013-12-03T06:35:09.736378700Z" || rows[0].Machine != "PC" || rows[0].StoreFile != 37 ||
		!slices.Equal(rows[0].Attributes, []string{"PERSISTENT", "0x40000000"}) || rows[0].Volume != "partition 1" {
		t.Errorf("%v, %+v", err, rows)
	}
	if r, _ := s.Record(ShadowTable); r.Outcome != evidence.Partial || !strings.Contains(r.Note, "D:") {
		t.Errorf("a volume that is denied: %+v", r)
	}
	blocks := s.Body(string(rows[0].Item))
	if len(blocks) != 512+2*16384 || !bytes.HasPrefix(blocks, volume[0x1E00:0x1E80]) {
		t.Errorf("%d bytes of blocks", len(blocks))
	}
}

// shadows writes a header, a catalog and a store into a volume, after libyal's layout.
func shadows(b []byte) {
	put := func(at int, kind uint32) []byte {
		copy(b[at:], "\x6b\x87\x08\x38\x76\xc1\x48\x4e\xb7\xae\x04\x04\x6e\x6c\xc7\x52")
		binary.LittleEndian.PutUint32(b[at+20:], kind)
		return b[at:]
	}
	binary.LittleEndian.PutUint64(put(0x1E00, 1)[48:], 0x10000)
	entries := put(0x10000, 2)[128:]
	for i, e := range [][]byte{entries, entries[128:]} {
		binary.LittleEndian.PutUint64(e, uint64(2+i))
		copy(e[16:], "identifier of it")
	}
	binary.LittleEndian.PutUint64(entries[48:], 130305261097363787)
	binary.LittleEndian.PutUint64(entries[128+32:], 0x20000)
	binary.LittleEndian.PutUint64(entries[128+56:], 1<<48|37)
	store := put(0x20000, 4)[128:]
	binary.LittleEndian.PutUint32(store[56:], 1|1<<30)
	copy(store[64:], "\x04\x00P\x00C\x00")
}

func TestCollectors(t *testing.T) {
	disk := image.NewDisk(bytes.NewReader(volumeImage(t)), int64(len(volumeImage(t))), 512)
	h := &collector.Host{Root: t.TempDir()}
	hosttest.Conform(t, ShadowCopies(ShadowOptions{Image: disk}), h)
	hosttest.Conform(t, ShadowCopies(ShadowOptions{}), h)
	hosttest.Conform(t, Collector(), h)
	if _, err := Volumes(h); !errors.Is(err, collector.ErrNotLive) {
		t.Errorf("%v", err)
	}
	if _, err := Disks(h); !errors.Is(err, collector.ErrNotLive) {
		t.Errorf("%v", err)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		extentsOf(b)
		geometryOf(b)
		new(DiskRow).describe(b)
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		multiString(units)
	})
}
