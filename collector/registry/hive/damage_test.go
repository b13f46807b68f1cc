package hive_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"hozen/collector/registry/hive"
	"hozen/collector/registry/hivetest"
)

// planted is a hive of two keys below one, with its cells' offsets by name.
func planted() (b []byte, at map[string]int) {
	root := &hivetest.Key{Name: "ROOT"}
	root.At("one", "two").Values = []hivetest.Value{hivetest.SZ("text", "something long enough for a cell")}
	root.At("three").Values = []hivetest.Value{{Name: "BIG", Type: 3, Data: bytes.Repeat([]byte("big data "), 5000)}}
	root.At("four").Class = "class"
	b, at = hivetest.Build(root), map[string]int{}
	for _, name := range []string{"ROOT", "one", "two", "three", "four"} {
		at[name] = bytes.Index(b, []byte(name)) - 76 - 4
	}
	for _, name := range []string{"text", "BIG"} {
		at[name] = bytes.Index(b, []byte(name)) - 20 - 4
	}
	return b, at
}

// TestDamage plants one thing that is wrong, and holds what is said of it and what can
// still be read.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(b []byte, at map[string]int, put func(at int, v uint32))
		said  string
		keys  int // that are still given
	}{
		{"nothing", func([]byte, map[string]int, func(int, uint32)) {}, "", 5},
		{"a key below itself", func(b []byte, at map[string]int, put func(int, uint32)) {
			put(at["two"]+4+20, 1)
			put(at["two"]+4+28, binary.LittleEndian.Uint32(b[at["ROOT"]+4+28:]))
			list := int(binary.LittleEndian.Uint32(b[at["ROOT"]+4+28:])) + 4096 + 4
			put(list+4, uint32(at["two"]-4096)) // the root's list leads to two, and two has the same list
		}, "parent", 4},
		{"a key in itself", func(b []byte, at map[string]int, put func(int, uint32)) {
			list := int(binary.LittleEndian.Uint32(b[at["one"]+4+28:])) + 4096 + 4
			put(list+4, uint32(at["one"]-4096))
		}, "below itself", 4},
		{"a key twice in a list", func(b []byte, at map[string]int, put func(int, uint32)) {
			list := int(binary.LittleEndian.Uint32(b[at["ROOT"]+4+28:])) + 4096 + 4
			put(list+12, binary.LittleEndian.Uint32(b[list+4:]))
		}, "twice", 0},
		{"a list of lists of lists", func(b []byte, at map[string]int, put func(int, uint32)) {
			list := binary.LittleEndian.Uint32(b[at["ROOT"]+4+28:])
			copy(b[4096+4+list:], "ri")
			put(int(4096+4+list+4), list)
		}, "list of keys", 1},
		{"more keys than fit", func(b []byte, at map[string]int, put func(int, uint32)) {
			list := int(binary.LittleEndian.Uint32(b[at["ROOT"]+4+28:])) + 4096 + 4
			b[list+2], b[list+3] = 0xff, 0xff
		}, "do not fit", 5},
		{"more values than fit", func(b []byte, at map[string]int, put func(int, uint32)) {
			put(at["two"]+4+36, 0xffffffff)
		}, "do not fit", 5},
		{"a list outside", func(b []byte, at map[string]int, put func(int, uint32)) { put(at["one"]+4+28, 0x7ffffff8) }, "outside", 4},
		{"a name longer than its cell", func(b []byte, at map[string]int, put func(int, uint32)) {
			put(at["four"]+4+72, 0xffff)
		}, "name of 65535", 5},
		{"no key where one should be", func(b []byte, at map[string]int, put func(int, uint32)) { copy(b[at["one"]+4:], "xx") }, `no "nk"`, 3},
		{"a free cell", func(b []byte, at map[string]int, put func(int, uint32)) {
			put(at["four"], -binary.LittleEndian.Uint32(b[at["four"]:]))
		}, "free", 5},
		{"a cell of all", func(b []byte, at map[string]int, put func(int, uint32)) { put(at["four"], 0x80000000) }, "leads out", 5},
		{"data outside", func(b []byte, at map[string]int, put func(int, uint32)) { put(at["text"]+4+8, 0xfffffff0) }, "outside", 5},
		{"longer data than there are", func(b []byte, at map[string]int, put func(int, uint32)) { put(at["text"]+4+4, 0x7fffffff) }, "bytes are there", 5},
		{"longer big data than there are", func(b []byte, at map[string]int, put func(int, uint32)) { put(at["BIG"]+4+4, 60000) }, "segments for", 5},
		{"five bytes in a field of four", func(b []byte, at map[string]int, put func(int, uint32)) { put(at["text"]+4+4, 0x80000005) }, "field of 4", 5},
		{"a bin that is none", func(b []byte, at map[string]int, put func(int, uint32)) { copy(b[4096:], "bang") }, "no hive bin", 5},
		{"a class outside", func(b []byte, at map[string]int, put func(int, uint32)) { put(at["four"]+4+48, 0xfffffff8) }, "class name: outside", 5},
		{"checksum", func(b []byte, at map[string]int, put func(int, uint32)) { b[100] ^= 1 }, "checksum", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, at := planted()
			c.spoil(b, at, func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) })
			h := open(t, b)
			got := walk(t, h)
			h.CheckBins()
			d, n := h.Damage()
			if c.keys > 0 && got.count != c.keys {
				t.Errorf("%d keys, want %d", got.count, c.keys)
			}
			found := c.said == "" && n == 0
			for _, d := range d {
				found = found || c.said != "" && strings.Contains(d.What, c.said) && d.Offset >= 0
			}
			if !found {
				t.Errorf("damage %v, want %q", d, c.said)
			}
		})
	}
}

func TestTruncated(t *testing.T) {
	b := real(t, "hives/NTUSER.DAT")
	for _, n := range []int{512, 4096, 4200, 9000, 100000, 650000} {
		h := open(t, b[:n])
		if root, err := h.Root(); err == nil {
			w := &tree{keys: map[string][32]byte{}}
			w.visit(root, "")
			if n > 600000 && w.count < 1000 {
				t.Errorf("%d bytes: %d keys", n, w.count)
			}
		} else if n > 4200 {
			t.Errorf("%d bytes: %v", n, err)
		}
		if _, damages := h.Damage(); damages == 0 {
			t.Errorf("%d bytes: no damage", n)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, 8192), []byte(strings.Repeat("x", 5000))} {
		if _, err := hive.Open(bytes.NewReader(b), int64(len(b))); !errors.Is(err, hive.ErrNoHive) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
}

// badDisk cannot read one sector.
type badDisk struct {
	*bytes.Reader
	bad int64
}

func (d badDisk) ReadAt(b []byte, at int64) (int, error) {
	if at < d.bad+512 && at+int64(len(b)) > d.bad {
		n, _ := d.Reader.ReadAt(b[:max(0, d.bad-at)], at)
		return n, errors.New("input/output error")
	}
	return d.Reader.ReadAt(b, at)
}

func TestBadSector(t *testing.T) {
	b := real(t, "hives/NTUSER.DAT")
	h, err := hive.Open(badDisk{bytes.NewReader(b), 300 * 512}, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	got := walk(t, h)
	d, n := h.Damage()
	if got.count < 1000 || n == 0 || got.count == 1127 && got.values == 5602 && got.bad == 0 {
		t.Errorf("%d keys, %d values, damage %v", got.count, got.values, d)
	}
	said := false
	for _, d := range d {
		said = said || d.Offset == 300*512 && strings.Contains(d.What, "input/output error")
	}
	if !said {
		t.Errorf("nothing of the sector in %v", d)
	}
}

// TestSpoiled changes bytes of real hives anywhere: every walk ends, with no more keys
// than there is room for.
func TestSpoiled(t *testing.T) {
	for _, name := range []string{"hives/SAM", "hives/BCD", "hives/100_sub_keys.hiv", "regipy/SECURITY"} {
		whole := real(t, name)
		for seed := range uint64(25) {
			b := bytes.Clone(whole)
			r := rand.New(rand.NewPCG(seed, 1))
			for range 1 + seed*4 {
				at := 4096 + r.IntN(min(len(b)-4096, 30000))
				b[at] = byte(r.Uint32())
			}
			bounded(t, b)
		}
	}
}

// bounded walks through whatever it is given, and holds what every walk keeps.
func bounded(t *testing.T, b []byte, logs ...hive.Log) {
	t.Helper()
	h, err := hive.Open(bytes.NewReader(b), int64(len(b)), logs...)
	if err != nil {
		return
	}
	h.CheckBins()
	root, err := h.Root()
	if err != nil {
		return
	}
	size := len(b)
	for _, l := range logs {
		size += int(l.Size)
	}
	w := &bound{t: t, most: size/80 + 2, left: 64 << 20}
	w.visit(root)
	if d, n := h.Damage(); len(d) > n {
		t.Errorf("%d damages of %d", len(d), n)
	}
}

type bound struct {
	t    *testing.T
	keys int
	most int
	left int // bytes of data that are read
}

func (w *bound) visit(k *hive.Key) {
	if w.keys++; w.keys > w.most {
		w.t.Fatalf("%d keys do not fit into the file", w.keys)
	}
	k.Class()
	n := 0
	for v := range k.Values() {
		if n++; w.left > 0 && n < 1000 {
			b, err := v.Read(1 << 20)
			if err == nil && len(b) != int(v.Size) {
				w.t.Fatalf("%d bytes of %d, and no error", len(b), v.Size)
			}
			w.left -= len(b)
		}
	}
	for c := range k.Subkeys() {
		w.visit(c)
	}
	k.Subkey("x")
}

func FuzzHive(f *testing.F) {
	for _, name := range []string{"hives/issue22.hive", "hives/UNICODE_TESTS", "hives/REORGANIZED_VALUES_TESTS", "hives/100_sub_keys.hiv"} {
		f.Add(real(f, name))
	}
	f.Add(real(f, "regipy/SECURITY"))
	b, _ := planted()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) { bounded(t, b) })
}

func FuzzLogs(f *testing.F) {
	a, b := before(), after()
	f.Add(dirty(a), entryLog(b, 5, [2]int{0, 1}), entryLog(b, 6, [2]int{1, 3}))
	f.Add(dirty(a), bitmapLog(a, b), []byte{})
	f.Add(change(a, 60), entryLog(b, 5, [2]int{0, 1}), bitmapLog(a, b))
	f.Fuzz(func(t *testing.T, b, log1, log2 []byte) { bounded(t, b, logOf("1", log1), logOf("2", log2)) })
}

func TestFold(t *testing.T) {
	for a, b := range map[string]string{"Abc": "aBC", "é": "É", "\xed\xa0\xbd": "\xed\xa0\xbd", "ナ": "ナ", "a\x00b": "A\x00B"} {
		if hive.Fold(a) != hive.Fold(b) {
			t.Errorf("%q and %q are not the same", a, b)
		}
	}
	if hive.Fold("\xed\xa0\xbd") == hive.Fold("\xed\xa0\xbe") || hive.Fold("ſ") == "" {
		t.Error("two halves of pairs are the same")
	}
}
