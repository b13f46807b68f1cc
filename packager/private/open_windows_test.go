package private

import (
	"os"
	"path/filepath"
	"testing"
)

// What is made says that nobody else may use it, from the system's own mouth.
func TestMadeForOurselves(t *testing.T) {
	for _, who := range []Who{Machine, Mine} {
		top, err := os.MkdirTemp("", "hozen") // Wine cannot remove t.TempDir
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(top, "state")
		if err := MkdirAll(dir, who); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "key")
		f, err := Open(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, who)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		plain := filepath.Join(dir, "plain")
		if err := os.WriteFile(plain, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Protect(plain, who); err != nil {
			t.Fatal(err)
		}
		me, err := self()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			for _, path := range []string{name, plain, dir, top} {
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
			}
		})
		for _, path := range []string{dir, name, plain} {
			d, err := Of(path)
			if err != nil {
				t.Fatal(err)
			}
			if bad := d.Changers(me); len(bad) > 0 {
				t.Errorf("%d %s: can be changed by %s", who, path, names(bad))
			}
			if err := Secret(path); err != nil {
				t.Errorf("%d %s: %v", who, path, err)
			}
			if len(d.Entries) == 0 {
				t.Errorf("%d %s: no entry at all: %+v", who, path, d)
			}
			if !d.Protected {
				t.Logf("%s: not protected here", path) // Wine keeps no such bit
			}
		}
	}
}
