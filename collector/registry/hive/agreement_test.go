package hive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"hozen/collector/registry/hive"
)

// real gives a file of testdata, of which a large one is in two parts.
func real(t testing.TB, name string) []byte {
	t.Helper()
	parts := []string{name + ".zst"}
	if _, err := os.Stat(filepath.Join("testdata", parts[0])); err != nil {
		parts = []string{name + ".1.zst", name + ".2.zst"}
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var out []byte
	for _, p := range parts {
		b, err := os.ReadFile(filepath.Join("testdata", p))
		if err != nil {
			t.Fatal(err)
		}
		if out, err = d.DecodeAll(b, out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func readJSON(t testing.TB, name string, to any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, b []byte, logs ...hive.Log) *hive.Hive {
	t.Helper()
	h, err := hive.Open(bytes.NewReader(b), int64(len(b)), logs...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func logOf(name string, b []byte) hive.Log { return hive.Log{name, bytes.NewReader(b), int64(len(b))} }

// tree is what a walk through a hive gives: by path, what a key and its values are.
type tree struct {
	keys          map[string][32]byte
	count, values int
	bad           int // values whose data could not be read
}

func walk(t testing.TB, h *hive.Hive) *tree {
	t.Helper()
	root, err := h.Root()
	if err != nil {
		t.Fatal(err)
	}
	w := &tree{keys: map[string][32]byte{}}
	w.visit(root, "")
	return w
}

func (w *tree) visit(k *hive.Key, path string) {
	w.count++
	k.Class()
	var values []string
	for v := range k.Values() {
		w.values++
		b, err := v.Read(1 << 30)
		if err != nil {
			w.bad++
		}
		values = append(values, fmt.Sprintf("%q %d %d %x", v.Name, v.Type, v.Size, b))
	}
	w.keys[path] = sha256.Sum256([]byte(strings.Join(values, "\n")))
	for c := range k.Subkeys() {
		w.visit(c, strings.TrimPrefix(path+`\`+c.Name, `\`))
	}
}

type counts struct {
	Keys, Values, Bad int
	Root              string
	RootSubkeys       []string `json:"root_subkeys"`
	Size              int
	SHA256            string
}

// TestAgreement holds every real hive against what libregf says of it, and prints the
// table of the README.
func TestAgreement(t *testing.T) {
	var expected struct{ Results map[string]counts }
	readJSON(t, "registry.json", &expected)
	files, keys, values := 0, 0, 0
	for path, want := range expected.Results {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "registry/"), ".xz")
		b := real(t, name)
		if sum := fmt.Sprintf("%x", sha256.Sum256(b)); len(b) != want.Size || sum != want.SHA256 {
			t.Fatalf("%s is another file", name)
		}
		h := open(t, b)
		got := walk(t, h)
		root, err := h.Root()
		if err != nil {
			t.Fatal(err)
		}
		var below []string
		for k := range root.Subkeys() {
			below = append(below, k.Name)
		}
		d, n := h.Damage()
		if got.count != want.Keys || got.values != want.Values || got.bad != want.Bad || root.Name != want.Root || n != 0 {
			t.Errorf("%s: %d keys, %d values, root %q, damage %v; want %+v", name, got.count, got.values, root.Name, d, want)
			continue
		}
		slices.Sort(below)
		if below = below[:min(len(below), len(want.RootSubkeys))]; !slices.Equal(below, want.RootSubkeys) {
			t.Errorf("%s: keys below the root %q, want %q", name, below, want.RootSubkeys)
			continue
		}
		files, keys, values = files+1, keys+got.count, values+got.values
	}
	if files == len(expected.Results) && files < 14 {
		t.Errorf("only %d files", files)
	}
	t.Logf("registry hives: %d of %d files agree with libregf (%d keys, %d values)", files, len(expected.Results), keys, values)
	agreementReplay(t)
}

// agreementReplay holds the replay of both logs against the expected tree.
func agreementReplay(t *testing.T) {
	var expected map[string]struct {
		KeysBefore              int `json:"keys_before"`
		KeysAfter               int `json:"keys_after"`
		ValuesBefore            int `json:"values_before"`
		ValuesAfter             int `json:"values_after"`
		Added, Removed, Changed []string
	}
	readJSON(t, "registry_dirty_replay.json", &expected)
	want := expected["registry/regipy/transactions_NTUSER.DAT.xz"]
	b := real(t, "regipy/transactions_NTUSER.DAT")
	before := walk(t, open(t, b))
	h := open(t, b, logOf("LOG1", real(t, "regipy/transactions_ntuser.dat.log1")), logOf("LOG2", real(t, "regipy/transactions_ntuser.dat.log2")))
	after := walk(t, h)
	if before.count != want.KeysBefore || before.values != want.ValuesBefore || after.count != want.KeysAfter || after.values != want.ValuesAfter {
		t.Errorf("%d keys and %d values, then %d and %d; want %+v", before.count, before.values, after.count, after.values, want)
	}
	var added, removed, changed []string
	for path, sum := range after.keys {
		if old, ok := before.keys[path]; !ok {
			added = append(added, path)
		} else if old != sum {
			changed = append(changed, path)
		}
	}
	for path := range before.keys {
		if _, ok := after.keys[path]; !ok {
			removed = append(removed, path)
		}
	}
	agreed := 0
	for _, c := range []struct {
		what      string
		got, want []string // want are at most 50 of them
	}{{"added", added, want.Added}, {"removed", removed, want.Removed}, {"changed", changed, want.Changed}} {
		for _, path := range c.want {
			if !slices.Contains(c.got, path) {
				t.Errorf("%s: not %q", c.what, path)
				continue
			}
			agreed++
		}
		if len(c.want) == 0 || len(c.want) < 50 && len(c.got) != len(c.want) {
			t.Errorf("%d keys %s, want %d", len(c.got), c.what, len(c.want))
		}
	}
	r := h.Replay()
	for _, l := range r.Logs {
		t.Logf("%s: %s log, entries %d to %d, %d pages: %s", l.Name, l.Format, l.First, l.Last, l.Pages, l.Why)
	}
	d, n := h.Damage()
	if n != 0 || !r.Dirty || r.Head || h.Head().Dirty() {
		t.Errorf("%+v, damage %v", r, d)
	}
	t.Logf("transaction logs: %d keys and %d values became %d and %d; %d of %d listed keys agree", before.count, before.values, after.count, after.values,
		agreed, len(want.Added)+len(want.Removed)+len(want.Changed))
}
