package parsed_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/disk"
	"hozen/collector/disk/artifact"
	"hozen/collector/disk/definitions"
	"hozen/collector/disk/image"
	"hozen/collector/disk/image/ntfs/layout"
	"hozen/collector/disk/parsed"
	"hozen/collector/disk/parsed/i30"
	"hozen/collector/disk/parsed/mft"
	"hozen/collector/disk/parsed/usn"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// ntfs-3g writes a volume with all that is hard: what it shows of it comes out of the
// image byte for byte, and the rows of $MFT and of the indexes say what was done.
func TestVolumeOfAnotherDriver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: a file system is mounted")
	}
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skip("kernel has no FUSE that we may use: ", err)
	} else {
		f.Close()
	}
	v := &written{t: t, point: t.TempDir(), want: map[string]string{}, links: map[string]string{}}
	volume := v.make()
	sink := takeImage(t, volume)
	v.judgeContents(sink)
	v.judgeTable(sink)
	v.judgeIndexes(sink)
}

// written is a volume and what was written into it.
type written struct {
	t     *testing.T
	point string
	want  map[string]string // SHA-256 of what the driver reads, by name
	links map[string]string // targets
}

func (v *written) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *written) run(name string, args ...string) {
	v.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		v.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (v *written) file(name, text string) {
	v.t.Helper()
	v.must(os.MkdirAll(filepath.Dir(v.point+name), 0o755))
	v.must(os.WriteFile(v.point+name, []byte(text), 0o644))
}

// make makes the volume and gives its image.
func (v *written) make() string {
	volume := filepath.Join(v.t.TempDir(), "volume")
	v.must(os.WriteFile(volume, nil, 0o600))
	v.must(os.Truncate(volume, 48<<20))
	v.run("mkfs.ntfs", "-F", "-q", volume)
	v.run("ntfs-3g", "-o", "streams_interface=windows,compression", volume, v.point)
	mounted := true
	v.t.Cleanup(func() {
		if mounted {
			unix.Unmount(v.point, unix.MNT_DETACH)
		}
	})
	v.scatter()
	v.scene()
	v.names()
	v.reparse()
	v.read()
	v.must(unix.Unmount(v.point, 0))
	mounted = false
	f, err := os.OpenFile(volume, os.O_RDWR, 0) // the driver ends after the unmount
	v.must(err)
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	v.must(unix.FcntlFlock(f.Fd(), unix.F_SETLKW, &lock))
	v.must(f.Close())
	return volume
}

// scatter fills the volume with files of one cluster and removes every second one: what
// comes then, the table of files first, lies in pieces.
func (v *written) scatter() {
	cluster, n := make([]byte, 4096), 0
	v.must(os.Mkdir(v.point+"/fill", 0o755))
	for ; ; n++ {
		err := os.WriteFile(fmt.Sprintf("%s/fill/%d", v.point, n), cluster, 0o644)
		if errors.Is(err, unix.ENOSPC) {
			break
		}
		v.must(err)
	}
	for i := 0; i <= n; i += 2 {
		os.Remove(fmt.Sprintf("%s/fill/%d", v.point, i))
	}
	for i := range 2000 { // more records, in what is free
		v.file(fmt.Sprintf("/Users/alice/many/%04d", i), "x")
	}
	v.must(os.RemoveAll(v.point + "/fill"))
	for i := range 1900 {
		v.must(os.Remove(fmt.Sprintf("%s/Users/alice/many/%04d", v.point, i)))
	}
}

func (v *written) scene() {
	v.file("/Windows/System32/config/SYSTEM", "regf")
	v.file("/Users/alice/NTUSER.DAT", "regf")
	for i := range 300 {
		v.file(fmt.Sprintf("/Users/alice/Downloads/invoice %03d.pdf", i), fmt.Sprint(i))
	}
	for i := 100; i < 300; i++ {
		v.must(os.Remove(fmt.Sprintf("%s/Users/alice/Downloads/invoice %03d.pdf", v.point, i)))
	}
	v.file("/Users/alice/Downloads/evil.exe", "MZ")
	v.file("/Users/alice/Downloads/evil.exe:Zone.Identifier", "[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=http://192.0.2.1/evil.exe\r\n")
	v.file("/Users/alice/Downloads/evil.exe:payload", strings.Repeat("hidden ", 100_000))
	v.must(os.Link(v.point+"/Users/alice/Downloads/evil.exe", v.point+"/Users/alice/second name.exe"))
	v.must(os.Mkdir(v.point+"/packed", 0o755))
	v.must(unix.Setxattr(v.point+"/packed", "system.ntfs_attrib", []byte{0, 8, 0, 0}, 0))
	v.file("/packed/text", strings.Repeat("compress me, please. ", 30_000)+strings.Repeat("\x00", 300_000)+"end")
	sparse, err := os.Create(v.point + "/sparse")
	v.must(err)
	_, err = sparse.WriteAt([]byte("end"), 20<<20)
	v.must(errors.Join(err, sparse.Close()))
}

func (v *written) names() {
	for _, name := range []string{
		"new\nline", "\x1b[31mred\x1b[0m", "lone \xed\xa0\x80 high", "low \xed\xb0\x80", strings.Repeat("n", 255), strings.Repeat("日", 255),
		strings.Repeat("😀", 127), "trailing. ", "back\\slash", "a?b*c", "CON", "Case", "case",
	} {
		v.file("/names/"+name, "of "+name)
	}
	v.file(strings.Repeat("/deep", 300)+"/leaf", "deep")
}

// reparse makes reparse points as [MS-FSCC] section 2.1.2 lays them out.
func (v *written) reparse() {
	wide := func(s string) []byte {
		b, _ := binary.Append(nil, binary.LittleEndian, utf16.Encode([]rune(s)))
		return b
	}
	point := func(name string, tag uint32, data []byte) {
		b := binary.LittleEndian.AppendUint32(nil, tag)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
		v.must(unix.Setxattr(v.point+name, "system.ntfs_reparse_data", append(b, data...), 0))
	}
	link := func(target string, flags ...uint16) []byte {
		n := uint16(len(wide(target)))
		b, _ := binary.Append(nil, binary.LittleEndian, append([]uint16{0, n, n + 2, n}, flags...))
		return append(append(append(append(b, wide(target)...), 0, 0), wide(target)...), 0, 0)
	}
	v.must(os.Mkdir(v.point+"/junction", 0o755))
	point("/junction", 0xA0000003, link(`\??\C:\Users\alice`))
	v.links["/junction"] = "/Users/alice"
	v.file("/link", "")
	point("/link", 0xA000000C, link(`Users\alice\NTUSER.DAT`, 1, 0))
	v.links["/link"] = "Users/alice/NTUSER.DAT"
	v.file("/cloud", "")
	point("/cloud", 0x9000001A, make([]byte, 16))
	v.file("/wof", "")
	v.file("/wof:WofCompressedData", "in another format")
	point("/wof", 0x80000017, make([]byte, 16))
}

// read notes what the driver reads. What is a reparse point to it says nothing.
func (v *written) read() {
	note := func(name string) {
		b, err := os.ReadFile(v.point + name)
		v.must(err)
		v.want[name] = fmt.Sprintf("%x", sha256.Sum256(b))
	}
	err := filepath.WalkDir(v.point, func(at string, d fs.DirEntry, err error) error {
		if name := strings.TrimPrefix(at, v.point); err == nil && d.Type().IsRegular() {
			note(name)
		}
		return err
	})
	v.must(err)
	for _, stream := range []string{"Zone.Identifier", "payload"} {
		note("/Users/alice/Downloads/evil.exe:" + stream)
		v.want["/Users/alice/second name.exe:"+stream] = v.want["/Users/alice/Downloads/evil.exe:"+stream]
	}
}

// takeImage collects the whole image, and parses it.
func takeImage(t *testing.T, volume string) *hosttest.Sink {
	t.Helper()
	d, err := image.Open(volume)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	part, err := image.Choose(d, "")
	if err != nil {
		t.Fatal(err)
	}
	files, err := image.Mount(d, part)
	if err != nil {
		t.Fatal(err)
	}
	all, err := artifact.Load("own", definitions.FS())
	if err != nil {
		t.Fatal(err)
	}
	set, err := artifact.NewSet(all)
	if err != nil {
		t.Fatal(err)
	}
	paths := &mft.Volumes{}
	formats := []parsed.Format{mft.Format(paths), usn.Format(paths), i30.Format()}
	found := parsed.NewFound(formats...)
	h := &collector.Host{Root: volume, Image: files, Elevated: true}
	sink := &hosttest.Sink{}
	o := disk.Options{Set: set, Tiers: disk.ForProfile(set, "standard"), Trees: []string{"/"}, Found: found}
	for _, c := range []collector.Collector{disk.Disk(o), parsed.Collector(parsed.Options{Formats: formats, Found: found})} {
		if err := c.Collect(context.Background(), h, sink); err != nil {
			t.Fatal(err)
		}
	}
	return sink
}

func rowsOf[T any](t *testing.T, s *hosttest.Sink, table string) []T {
	t.Helper()
	rows, err := jsonl.Read[T](s.Body(table))
	if err != nil || len(rows) == 0 {
		r, _ := s.Record(table)
		t.Fatalf("%s: %d rows, %v; %+v", table, len(rows), err, r)
	}
	return rows
}

// judgeContents holds each file to what the driver read.
func (v *written) judgeContents(s *hosttest.Sink) {
	rows := map[string]disk.FileRow{}
	for _, r := range rowsOf[disk.FileRow](v.t, s, "disk/files.jsonl") {
		rows[string(r.Path)] = r
	}
	for name, sum := range v.want {
		r, there := rows[name]
		if r.SameAs != "" {
			r = rows[string(r.SameAs)]
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(s.Body(string(r.Item)))); !there || got != sum || r.Outcome != evidence.Collected {
			v.t.Errorf("%q: %s (%s), %s, the driver read %s", name, r.Outcome, r.Reason, got, sum)
		}
	}
	for name, target := range v.links {
		if r := rows[name]; r.Kind != "symlink" || string(r.LinkTarget) != target {
			v.t.Errorf("%s: %s to %q, want %q", name, r.Kind, r.LinkTarget, target)
		}
	}
	if r := rows["/wof"]; r.Outcome != evidence.Failed || !strings.Contains(string(r.Reason), "WofCompressedData") || r.Item != "" {
		v.t.Errorf("contents that are elsewhere: %+v", r)
	}
	if got := string(s.Body("disk/files/wof:WofCompressedData")); got != "in another format" {
		v.t.Errorf("%q", got)
	}
	if r := rows["/sparse"]; r.Size != 20<<20+3 || r.Allocated > 1<<20 {
		v.t.Errorf("sparse: %d bytes, %d of them allocated", r.Size, r.Allocated)
	}
}

// judgeTable holds the rows of $MFT to what was written.
func (v *written) judgeTable(s *hosttest.Sink) {
	raw := s.Body("disk/files/$MFT")
	first := bytes.Clone(raw[:1024])
	v.must(layout.Restore(first, layout.MagicFile))
	r, err := layout.ParseRecord(0, first)
	v.must(err)
	for _, a := range r.Attributes {
		if a.Kind == layout.TypeData && len(a.Runs) < 3 {
			v.t.Errorf("$MFT lies in %d pieces: not the hard case", len(a.Runs))
		}
	}
	for _, f := range rowsOf[parsed.FileRow](v.t, s, parsed.FilesTable) {
		if f.Path == "/$MFT" && (f.SHA256 != fmt.Sprintf("%x", sha256.Sum256(raw)) || f.Outcome != evidence.Collected) {
			v.t.Errorf("%+v", f)
		}
	}
	names, deleted := map[string]mft.Row{}, 0
	for _, row := range rowsOf[mft.Row](v.t, s, parsed.Table("mft")) {
		for _, n := range row.Names {
			if row.InUse {
				names[string(n.FullPath)] = row
			} else if strings.HasPrefix(string(n.FullPath), `\Users\alice\Downloads\invoice `) {
				deleted++
			}
		}
	}
	for name := range v.want {
		base, stream, isStream := strings.Cut(strings.ReplaceAll(name, "/", `\`), ":")
		row, there := names[base]
		if !there || isStream && !slices.ContainsFunc(row.Streams, func(s mft.Stream) bool { return string(s.Name) == stream }) {
			v.t.Errorf("%q has no row in the table: %+v", name, row)
		}
	}
	evil := names[`\Users\alice\Downloads\evil.exe`]
	if evil.Links != 2 || !slices.ContainsFunc(evil.Streams, func(s mft.Stream) bool {
		return strings.Contains(string(s.Content), "HostUrl=http://192.0.2.1/evil.exe")
	}) {
		v.t.Errorf("%+v", evil)
	}
	for name, tag := range map[string]string{`\junction`: "MOUNT_POINT", `\link`: "SYMLINK", `\cloud`: "CLOUD"} {
		if names[name].ReparseName != tag {
			v.t.Errorf("%s: %+v", name, names[name])
		}
	}
	if packed := names[`\packed\text`]; packed.Data == nil || !packed.Data.Compressed || deleted == 0 {
		v.t.Errorf("%+v; %d deleted files have their names", packed, deleted)
	}
}

// judgeIndexes looks for what was deleted in the slack of indexes.
func (v *written) judgeIndexes(s *hosttest.Sink) {
	live, slack := 0, 0
	for _, r := range rowsOf[i30.Row](v.t, s, parsed.Table("i30")) {
		if r.Directory != "/Users/alice/Downloads" || !strings.HasPrefix(string(r.Name), "invoice ") {
			continue
		}
		if r.Slack || r.Free {
			slack++
		} else {
			live++
		}
	}
	if live == 0 || live > 100 || slack < 100 {
		v.t.Errorf("%d names in the index's blocks, %d in their slack", live, slack)
	}
}
