package ram

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// machine is memory with a page that is cut in the middle, a hole, and a range
// above 4 GiB.
func machine() *fakeRAM {
	return newFakeRAM(span{0x1000, 0x9fc00}, span{0x100000, 0x345000}, span{1 << 32, 1<<32 + 0x180000})
}

type result struct {
	*hosttest.Sink
	rows    map[string][]map[string]any // of the map, by kind
	summary SummaryRow
}

func run(t testing.TB, o Options, m *fakeRAM, files map[string]device) result {
	t.Helper()
	o.open, o.page = opens(files), fakePage
	h := m.host(t)
	var s hosttest.Sink
	if err := RAM(o).Collect(context.Background(), h, &s); err != nil {
		t.Fatal(err)
	}
	return resultOf(t, &s)
}

func resultOf(t testing.TB, s *hosttest.Sink) result {
	t.Helper()
	r := result{Sink: s, rows: map[string][]map[string]any{}}
	rows, err := jsonl.Read[map[string]any](s.Body(mapPath))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		kind := row["kind"].(string)
		r.rows[kind] = append(r.rows[kind], row)
	}
	lines := strings.Split(strings.TrimSpace(string(s.Body(mapPath))), "\n")
	summaries, err := jsonl.Read[SummaryRow]([]byte(lines[len(lines)-1]))
	if err != nil || summaries[0].Kind != "summary" {
		t.Fatalf("the last row is no summary: %v, %s", err, lines[len(lines)-1])
	}
	r.summary = summaries[0]
	return r
}

// same holds an image against the memory; parts that are excused must be zeros.
func same(t testing.TB, m *fakeRAM, image []byte, zeros ...span) {
	t.Helper()
	ranges := readLime(t, image)
	if len(ranges) != len(m.ranges) {
		t.Fatalf("%d ranges, want %d", len(ranges), len(m.ranges))
	}
	for i, r := range ranges {
		if want := m.ranges[i]; r.start != want.start || r.end != want.end-1 {
			t.Errorf("range %d: %#x-%#x, want %#x-%#x", i, r.start, r.end, want.start, want.end-1)
			continue
		}
		want := bytes.Clone(m.bytes[r.start])
		for _, z := range zeros {
			if z.start < m.ranges[i].end && r.start < z.end {
				clear(want[max(z.start, r.start)-r.start : min(z.end, m.ranges[i].end)-r.start])
			}
		}
		for at := 0; at < len(want); at++ {
			if want[at] != r.b[at] {
				t.Errorf("range %d: byte at %#x is %#x, want %#x", i, r.start+uint64(at), r.b[at], want[at])
				break
			}
		}
	}
}

// tail is the cut page that no kernel gives through /proc/kcore.
func tail() span { return span{0x9f000, 0x9fc00} }

func TestImageIsTheMemoryWhateverTheDirectMap(t *testing.T) {
	for _, c := range []struct {
		name string
		base uint64
		told bool
		how  string
	}{
		{"four levels", 0xffff888000000000, true, byHeaders},
		{"four levels, randomised", 0xffff9d3440000000, true, byHeaders},
		{"five levels", 0xff11000000000000, true, byHeaders},
		{"five levels, an old kernel", 0xff11000000000000, false, byMatch},
		{"arm64, an old kernel", 0xffff000000000000, false, byMatch},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			m := machine()
			r := run(t, Options{}, m, map[string]device{kcoreName: m.kcore(c.base, c.told)})
			same(t, m, r.Body(imagePath), tail())
			record, _ := r.Record(imagePath)
			if record.Outcome != evidence.Collected || record.File.Size != record.Size {
				t.Errorf("%s (%s), size %d, announced %d", record.Outcome, record.Note, record.Size, record.File.Size)
			}
			s := r.summary
			if s.Source != kcoreName || s.Addresses != c.how || !strings.Contains(s.Checked, "VMCOREINFO") {
				t.Errorf("%+v", s)
			}
			if s.PagesUnreadable != 1 || s.Bytes != record.Size || s.PagesRead != (0x9e000+0x245000+0x180000)/fakePage || s.PagesZero == 0 {
				t.Errorf("pages: %+v", s)
			}
			if head := r.Body(headersPath); !bytes.HasPrefix(head, []byte("\x7fELF")) || !bytes.Contains(head, []byte("VMCOREINFO")) {
				t.Errorf("headers: %d bytes", len(head))
			}
			if text := string(r.Body("memory/ram/vmcoreinfo.txt")); text != "OSRELEASE=6.1.0-test\nPAGESIZE=4096\n\n" {
				t.Errorf("vmcoreinfo: %q", text)
			}
		})
	}
}

// The rows of the map divide the ranges of /proc/iomem without gap or overlap, and
// each says where its bytes are in the image.
func TestMapIsWholeAndLeadsIntoTheImage(t *testing.T) {
	m := machine()
	kcore := m.kcore(0xffff888000000000, true)
	bad := span{0x200000, 0x203000}
	kcore.fails = failsAt(bad, 16*fakePage)
	r := run(t, Options{}, m, map[string]device{kcoreName: kcore})
	same(t, m, r.Body(imagePath), tail(), bad)
	var text []string
	image := r.Body(imagePath)
	for _, row := range r.rows["range"] {
		line := fmt.Sprint(row["start"], "-", row["end"], " ", row["state"], " ", row["name"], ": ", row["why"])
		text = append(text, strings.TrimSuffix(line, ": <nil>"))
		if offset, ok := row["offset"].(float64); ok && row["state"] == "read" {
			var start uint64
			fmt.Sscanf(row["start"].(string), "%v", &start)
			n := int(row["bytes"].(float64))
			if !bytes.Equal(image[int(offset):int(offset)+n], m.at(start)[:n]) {
				t.Errorf("%s: the image has other bytes at %v", line, offset)
			}
		}
	}
	want := []string{
		"0x0-0xfff skipped Reserved: not RAM",
		"0x1000-0x9efff read System RAM",
		"0x9f000-0x9fbff unreadable System RAM: the source does not have it",
		"0x100000-0x1fffff read System RAM",
		"0x200000-0x202fff unreadable System RAM: read: input/output error",
		"0x203000-0x344fff read System RAM",
		"0xfee00000-0xfee00fff skipped Local APIC: not RAM",
		"0x100000000-0x10017ffff read System RAM",
	}
	if got := strings.Join(text, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("rows:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	record, _ := r.Record(imagePath)
	if record.Outcome != evidence.Partial || !record.Shortfall || !strings.Contains(record.Note, "0x200000-0x202fff") {
		t.Errorf("%s, %q", record.Outcome, record.Note)
	}
}

// failsAt makes reads of a range fail, given where the file has address 0.
func failsAt(s span, offset int64) func(int64) error {
	return func(at int64) error {
		if p := uint64(at - offset); at >= offset && p >= s.start && p < s.end {
			return syscall.EIO
		}
		return nil
	}
}

// Pages that the kernel says are broken or not there are not read at all.
func TestPagesThatMustNotBeReadAreNot(t *testing.T) {
	m := machine()
	flags := make([]byte, (1<<32+0x180000)/fakePage*8)
	poison, offline := span{0x110000, 0x112000}, span{0x1fe000, 0x205000}
	set := func(s span, bit uint64) {
		for p := s.start / fakePage; p < s.end/fakePage; p++ {
			binary.NativeEndian.PutUint64(flags[p*8:], bit|1<<5)
		}
	}
	set(poison, flagPoison)
	set(offline, flagOffline)
	kcore := m.kcore(0xffff888000000000, true)
	kcore.fails = func(at int64) error {
		for _, s := range []span{poison, offline} {
			if failsAt(s, 16*fakePage)(at) != nil {
				t.Errorf("%#x was read", at)
			}
		}
		return nil
	}
	r := run(t, Options{}, m, map[string]device{kcoreName: kcore, pageFlagsName: &fakeFile{parts: []fakePart{{0, flags}}}})
	same(t, m, r.Body(imagePath), tail(), poison, offline)
	if s := r.summary; !s.FlagsLooked || s.PagesUnreadable != 1+2+7 {
		t.Errorf("%+v", s)
	}
	var whys []string
	for _, row := range r.rows["range"] {
		if row["state"] == "unreadable" {
			whys = append(whys, fmt.Sprint(row["start"], " ", row["bytes"], " ", row["why"]))
		}
	}
	if got := strings.Join(whys, "; "); !strings.Contains(got, "0x110000 8192 hwpoison") || !strings.Contains(got, "0x1fe000 28672 offline") {
		t.Errorf("%s", got)
	}
	if record, _ := r.Record(imagePath); !strings.Contains(record.Note, "1 failed (first: 0x110000-0x111fff") {
		t.Errorf("%s: what is offline is no shortfall, what is broken is: %q", record.Outcome, record.Note)
	}
}

// An image that ends early says how far it came, even when its time is over.
func TestMapOfAnImageThatEndedEarly(t *testing.T) {
	m := machine()
	kcore := m.kcore(0xffff888000000000, true)
	ctx, cancel := context.WithCancel(context.Background())
	o := Options{open: opens(map[string]device{kcoreName: kcore}), page: fakePage}
	h := m.host(t)
	kcore.each = func() {
		if kcore.reads == 8 {
			cancel()
		}
	}
	var s hosttest.Sink
	if err := RAM(o).Collect(ctx, h, &s); err != nil {
		t.Fatal(err)
	}
	r := resultOf(t, &s)
	if record, _ := s.Record(imagePath); record.Outcome != evidence.Partial || record.Size != r.summary.Bytes {
		t.Errorf("%s, %d bytes; the summary says %d", record.Outcome, record.Size, r.summary.Bytes)
	}
	last := r.rows["range"][len(r.rows["range"])-1]
	if last["state"] != "not reached" || last["start"] != "0x100000000" || last["offset"] != nil {
		t.Errorf("last range: %v", last)
	}
	if r.summary.Smear != nil || r.summary.Bytes >= r.summary.Planned {
		t.Errorf("%+v", r.summary)
	}
}

// What the archive cannot keep ends the image at once.
func TestImageStopsWhenItCannotBeKept(t *testing.T) {
	m := machine()
	src := &source{dev: m.devMem()}
	var ranges []resource
	for _, s := range m.ranges {
		ranges = append(ranges, resource{span: s})
	}
	i := &image{layout: layOut(ranges, nil), src: src, page: fakePage, flags: &pageFlags{}, smear: &smear{}}
	full := &fullDisk{room: 0x80000}
	if err := i.write(context.Background(), full); err != errFull || i.written > 0x80000 {
		t.Errorf("%v after %d bytes", err, i.written)
	}
}

var errFull = fmt.Errorf("no space left")

type fullDisk struct{ room int }

func (f *fullDisk) Write(b []byte) (int, error) {
	n := min(len(b), f.room)
	if f.room -= n; n < len(b) {
		return n, errFull
	}
	return n, nil
}

var _ io.Writer = (*fullDisk)(nil)
