package secret_test

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"hozen/packager/secret"
	"hozen/packager/secret/secrettest"
)

// search fails where memory is not as the test says: secrets are there, or none.
func search(t *testing.T, h *secrettest.Hoard, when string, there ...string) {
	t.Helper()
	found, n, err := h.Search()
	if err != nil || n < 1<<20 {
		t.Fatalf("%d bytes searched: %v", n, err)
	}
	if len(found) != len(there) {
		t.Errorf("%s: found %q in %d bytes", when, found, n)
	}
	for i := range min(len(found), len(there)) {
		if found[i] != there[i] {
			t.Errorf("%s: found %q, want %q", when, found[i], there[i])
		}
	}
}

// While a key is in use its seed is found, in one place, and nothing that was
// computed of it; when it is erased, nothing at all.
func TestErasedKeysAreNotInMemory(t *testing.T) {
	secrettest.NeedSearch(t)
	h := secrettest.NewHoard()
	k, err := secret.New(h)
	if err != nil {
		t.Fatal(err)
	}
	seed := "seed of key 1 (4 times 8 bytes)"
	search(t, h, "made", seed)
	signMuch(t, k)
	search(t, h, "after signing", seed)

	file := filepath.Join(t.TempDir(), "key")
	if err := k.Write(file, "device:x", true); err != nil {
		t.Fatal(err)
	}
	search(t, h, "written", seed)
	k.Erase()
	search(t, h, "erased")
	if err := k.Reread(file); err != nil {
		t.Fatal(err)
	}
	search(t, h, "read again", seed)
	signMuch(t, k)
	k.Erase()
	search(t, h, "erased again")
	runtime.KeepAlive(k)
}

// signMuch signs on many goroutines while the garbage collector runs.
func signMuch(t *testing.T, k *secret.Key) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 50 {
				if _, err := k.Sign(nil, make([]byte, 10*i), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Go(func() {
		for range 20 {
			runtime.GC()
		}
	})
	all.Wait()
}

// Without our care the search finds what it is there to find.
func TestTheSearchFinds(t *testing.T) {
	secrettest.NeedSearch(t)
	h := secrettest.NewHoard()
	k, err := secret.New(h)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := k.Write(file, "", true); err != nil {
		t.Fatal(err)
	}
	k.Erase()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	careless := parsed(t, b)
	found, _, err := h.Search()
	if err != nil || len(found) == 0 {
		t.Errorf("found %q, %v, though %T is in memory", found, err, careless)
	}
	runtime.KeepAlive(careless)
}

// parsed reads a key as the library does that makes copies.
func parsed(t *testing.T, b []byte) any {
	t.Helper()
	raw, err := ssh.ParseRawPrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
