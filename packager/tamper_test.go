package packager

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// A tamper is one way in which somebody who has no key changes an archive, its
// log or the auditor's trust, and the verdict that must come of it.
type tamper struct {
	name string
	want Verdict
	do   func(t *testing.T, w *world, c *change)
}

// A world is an honest archive, what belongs to it, and one of another collection.
type world struct {
	archive, log      []byte
	device            Device
	o                 VerifyOptions // trusts the device
	other, otherLog   []byte        // a second collection of the same device
	frames, otherRows []*frame
}

// A change is what the auditor is given.
type change struct {
	archive []byte
	o       VerifyOptions
}

func newWorld(t testing.TB) *world {
	t.Helper()
	dir, dir2 := t.TempDir(), t.TempDir()
	file, d := writeArchive(t, dir)
	w := &world{archive: readFile(t, file), device: d, o: trusting(t, d)}
	w.log = readFile(t, filepath.Join(dir, LogName(testOptions(t, dir).ID)))
	o := testOptions(t, dir2)
	o.Device, o.ID = d, "pc-42-20261121t100000z-000001"
	wr, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, wr, "other.txt", "of another collection\n")
	if _, err := wr.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	put(t, wr, "other2.txt", "of another collection\n")
	s, err := wr.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	w.other, w.otherLog = readFile(t, filepath.Join(dir2, s.Name)), readFile(t, filepath.Join(dir2, LogName(o.ID)))
	w.frames, w.otherRows = framesOf(t, w.archive), framesOf(t, w.other)
	return w
}

func framesOf(t testing.TB, b []byte) (list []*frame) {
	t.Helper()
	r, off := bytes.NewReader(b), int64(0)
	for int(off) < len(b) {
		f, err := nextFrame(r, off, nil)
		if err != nil {
			t.Fatal(err)
		}
		list, off = append(list, f), off+int64(len(f.bytes))
	}
	return list
}

func joinFrames(frames []*frame) (b []byte) {
	for _, f := range frames {
		b = append(b, f.bytes...)
	}
	return b
}

// of gives the frames of one kind, by their place.
func (w *world) of(kind frameKind) (at []int) {
	for i, f := range w.frames {
		if f.kind == kind {
			at = append(at, i)
		}
	}
	return at
}

// edited gives the archive with its frames changed by edit.
func (w *world) edited(edit func(f []*frame) []*frame) []byte {
	return joinFrames(edit(append([]*frame(nil), w.frames...)))
}

// segment gives the frames of segment k, from its first data frame to its marker.
func segmentFrames(frames []*frame, k int) []*frame {
	from := 0
	for i, f := range frames {
		if f.kind == frameMarker {
			if k--; k == 0 {
				return frames[from : i+1]
			}
			from = i + 1
		}
	}
	return nil
}

func raw(b []byte) *frame { return &frame{bytes: b} }

// recompressed gives a data frame with the same contents in other bytes, or with
// its contents changed.
func recompressed(t *testing.T, f *frame, level zstd.EncoderLevel, change func([]byte) []byte) *frame {
	t.Helper()
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithSingleSegment(true), zstd.WithEncoderCRC(true), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return raw(zip.EncodeAll(change(bytes.Clone(plainOf(t, f))), nil))
}

func plainOf(t testing.TB, f *frame) []byte {
	t.Helper()
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer unzip.Close()
	plain, err := unzip.DecodeAll(f.bytes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func same(b []byte) []byte { return b }

func insert(f []*frame, at int, n ...*frame) []*frame {
	return append(append(append([]*frame(nil), f[:at]...), n...), f[at:]...)
}

func without(f []*frame, from, to int) []*frame {
	return append(append([]*frame(nil), f[:from]...), f[to:]...)
}

// replaceIn changes bytes in the contents of a frame, keeping their number.
func replaceIn(old, text string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(text), 1) }
}

func tampers() []tamper {
	var all []tamper
	for _, list := range [][]tamper{wholeTampers(), cutTampers(), byteTampers(), frameTampers(), statementTampers(), logTampers(), trustTampers()} {
		all = append(all, list...)
	}
	return all
}

func TestTamper(t *testing.T) {
	w := newWorld(t)
	for _, c := range tampers() {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			ch := &change{archive: bytes.Clone(w.archive), o: w.o}
			c.do(t, w, ch)
			if r := verdict(t, ch.archive, ch.o); r.Verdict != c.want {
				t.Errorf("%s, want %s: findings %q, notes %q", r.Verdict, c.want, r.Findings, r.Notes)
			} else if r.Exit != c.want.ExitCode() || len(r.Findings) == 0 && c.want != Valid && c.want != ValidPartial {
				t.Errorf("%s with exit %d and findings %q", r.Verdict, r.Exit, r.Findings)
			}
		})
	}
}

func wholeTampers() []tamper {
	return []tamper{
		{"untouched", Valid, func(*testing.T, *world, *change) {}},
		{"untouched with its log", Valid, func(_ *testing.T, w *world, c *change) { c.o.Log = w.log }},
		{"zeros appended", Valid, func(_ *testing.T, w *world, c *change) { c.archive = append(c.archive, make([]byte, 4096)...) }},
		{"seek table cut off", Valid, func(_ *testing.T, w *world, c *change) {
			c.archive = joinFrames(w.frames[:w.of(frameSeekTable)[0]])
		}},
		{"hint and seek table cut off", Valid, func(_ *testing.T, w *world, c *change) {
			c.archive = joinFrames(w.frames[:w.of(frameHint)[0]])
		}},
		{"seek table cut within and zeros", Valid, func(_ *testing.T, w *world, c *change) {
			c.archive = append(c.archive[:len(c.archive)-9], make([]byte, 512)...)
		}},
		{"empty file", NotEvidence, func(_ *testing.T, w *world, c *change) { c.archive = nil }},
		{"zeros only", NotEvidence, func(_ *testing.T, w *world, c *change) { c.archive = make([]byte, 4096) }},
		{"some other zstd file", NotEvidence, func(t *testing.T, w *world, c *change) {
			c.archive = recompressed(t, w.frames[0], zstd.SpeedDefault, func([]byte) []byte { return []byte("hello\n") }).bytes
		}},
	}
}

func cutTampers() []tamper {
	return []tamper{
		{"cut after a checkpoint", ValidPartial, func(_ *testing.T, w *world, c *change) { c.archive = joinFrames(w.frames[:w.of(frameMarker)[1]+1]) }},
		{"cut inside a frame", ValidPartial, func(_ *testing.T, w *world, c *change) {
			c.archive = c.archive[:w.frames[w.of(frameMarker)[1]+1].off+20]
		}},
		{"cut and filled with zeros", ValidPartial, func(_ *testing.T, w *world, c *change) {
			clear(c.archive[w.frames[w.of(frameMarker)[1]+1].off+20:])
		}},
		{"cut before the marker", ValidPartial, func(_ *testing.T, w *world, c *change) {
			c.archive = c.archive[:w.frames[w.of(frameMarker)[1]].off]
		}},
		{"seal and all after it removed", ValidPartial, func(_ *testing.T, w *world, c *change) {
			c.archive = c.archive[:w.frames[w.of(frameMarker)[2]+1].off]
		}},
		{"cut in the seal", ValidPartial, func(_ *testing.T, w *world, c *change) {
			c.archive = c.archive[:w.frames[w.of(frameHint)[0]].off-700]
		}},
		{"member added after the last checkpoint", ValidPartial, func(t *testing.T, w *world, c *change) {
			body := header(forgedID+"/data/planted", 4, testTime.Unix())
			body = append(append(body, "evil"...), make([]byte, 508)...)
			extra := recompressed(t, w.frames[0], zstd.SpeedFastest, func([]byte) []byte { return body })
			c.archive = append(joinFrames(w.frames[:w.of(frameMarker)[1]+1]), extra.bytes...)
		}},
		// What an attacker cuts off can be replaced by anything: nothing there is authentic.
		{"cut and another archive appended", ValidPartial, func(_ *testing.T, w *world, c *change) {
			c.archive = append(joinFrames(w.frames[:w.of(frameMarker)[1]+1]), w.other...)
		}},
		{"cut in the first segment", NotEvidence, func(_ *testing.T, w *world, c *change) { c.archive = c.archive[:w.frames[1].off] }},
		{"cut when the log saw more", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive, c.o.Log = joinFrames(w.frames[:w.of(frameMarker)[1]+1]), w.log
		}},
		{"cut to nothing when the log saw more", Invalid, func(_ *testing.T, w *world, c *change) { c.archive, c.o.Log = nil, w.log }},
		{"trailer cut off when the log saw more", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive, c.o.Log = joinFrames(w.frames[:w.of(frameHint)[0]]), w.log
		}},
		{"cut when the head stands on paper", Invalid, func(t *testing.T, w *world, c *change) {
			c.o.Head = verdict(t, w.archive, w.o).Head
			c.archive = joinFrames(w.frames[:w.of(frameMarker)[1]+1])
		}},
		{"whole with the head on paper", Valid, func(t *testing.T, w *world, c *change) { c.o.Head = verdict(t, w.archive, w.o).Head }},
		{"another archive than that on paper", Invalid, func(t *testing.T, w *world, c *change) {
			c.o.Head, c.archive = verdict(t, w.archive, w.o).Head, w.other
		}},
	}
}
