package packager

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hozen/packager/secret"
	"hozen/packager/secret/secrettest"
)

// In the whole memory of this process there is nothing of any private key while it
// is dark: not of the device's, nor of any session's so far. The same search finds
// the keys that are in use before and after, and nothing that was computed of them.
func TestNoPrivateKeyIsInMemoryDuringABlackout(t *testing.T) {
	secrettest.NeedSearch(t)
	for _, throwaway := range []bool{false, true} {
		dir, h := t.TempDir(), secrettest.NewHoard()
		o := testOptions(t, dir)
		o.Random, o.Device = h, hoarded(t, h, filepath.Join(dir, KeyName(forgedID)), throwaway)
		w, err := Create(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b", "c"} {
			put(t, w, name, name)
			if _, err := w.Checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
		inMemory(t, h, "before", "seed of key 1 (4 times 8 bytes)", "seed of key 5 (4 times 8 bytes)")
		for range 2 {
			err = w.Blackout(context.Background(), func() error {
				put(t, w, "image", "taken in the dark")
				if w.dark.out {
					inMemory(t, h, "in the dark")
				} else if !throwaway {
					t.Errorf("not dark: %q", w.dark.Kept)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if h.Seeds() != 7 { // the device's, the first, and one for each checkpoint of another's
			t.Errorf("%d keys were made: one of them unseen?", h.Seeds())
		}
		if _, err := w.Seal(""); err != nil {
			t.Fatal(err)
		}
		inMemory(t, h, "sealed", "seed of key 1 (4 times 8 bytes)")
		runtime.KeepAlive(o.Device.Signer)
	}
}

// An output that lives in memory is no place for a key: it stays where it is, and
// the archive says so.
func TestBlackoutWithTheOutputInMemory(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "hozen-")
	if err != nil {
		t.Skipf("kernel has no /dev/shm: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := testOptions(t, dir)
	o.Device = throwAway(t, dir)
	_, s := dark(t, dir, o, func(w *Writer) {
		if w.keyFile != "" || erased(o.Device.Signer) {
			t.Error("the key went into a file in memory")
		}
	})
	if b, _ := blackoutOf(t, dir, s, trusting(t, o.Device)); b.Whole || b.KeyFile != "" || !strings.Contains(strings.Join(b.Kept, ""), "lives there") {
		t.Errorf("%+v", b)
	}
}

// hoarded is a device whose key is made of h's random bytes.
func hoarded(t *testing.T, h *secrettest.Hoard, file string, throwaway bool) Device {
	t.Helper()
	d, err := NewDevice("pc-42", h)
	if err != nil {
		t.Fatal(err)
	}
	if throwaway {
		d.Throwaway, d.File = true, file
		return d
	}
	if err := SaveDevice(d, file+"2"); err != nil {
		t.Fatal(err)
	}
	d.Signer.(*secret.Key).Erase()
	if d, err = LoadDevice(file+"2", "pc-42"); err != nil {
		t.Fatal(err)
	}
	return d
}

// inMemory fails unless exactly these secrets are found in memory.
func inMemory(t *testing.T, h *secrettest.Hoard, when string, want ...string) {
	t.Helper()
	found, n, err := h.Search()
	if err != nil || n < 1<<20 {
		t.Fatalf("%d bytes searched: %v", n, err)
	}
	for i := range max(len(found), len(want)) {
		if i >= len(found) || i >= len(want) || found[i] != want[i] {
			t.Errorf("%s: found %q, want %q, in %d bytes", when, found, want, n)
			return
		}
	}
}
