package deliver

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// Whoever may write in the folder can change what a name means, at any moment: no file
// of somebody else is written to, and what was swapped does not count as delivered.
func TestAFolderThatOthersMayWrite(t *testing.T) {
	const evidence, secret = "EVIDENCE of a case", "a victim's file, longer than the evidence\n"
	sum := sha256.Sum256([]byte(evidence))
	for kind, plant := range map[string]func(old, name string) error{"symlink": os.Symlink, "hard link": os.Link} {
		for _, when := range []string{"before the upload", "after Open", "after a write", "before the end"} {
			t.Run(kind+" "+when, func(t *testing.T) {
				folder, victim := t.TempDir(), filepath.Join(t.TempDir(), "shadow")
				if err := os.WriteFile(victim, []byte(secret), 0o600); err != nil {
					t.Fatal(err)
				}
				attack := func(now string) {
					if now != when {
						return
					}
					part := filepath.Join(folder, "a.tar.zst.part")
					_ = os.Remove(part) // it may not be there yet
					if err := plant(victim, part); err != nil {
						t.Skipf("kernel has no links here: %v", err)
					}
				}
				attack("before the upload")
				u, err := dir{folder}.Open(t.Context(), "a.tar.zst")
				attack("after Open")
				if err == nil {
					if r, ok := u.(Resumer); ok {
						r.Rewind(0)
					}
					err = u.Write(t.Context(), []byte(evidence[:5]))
				}
				attack("after a write")
				if err == nil {
					err = u.Write(t.Context(), []byte(evidence[5:]))
				}
				attack("before the end")
				if err == nil {
					err = u.Commit(t.Context(), int64(len(evidence)), hex.EncodeToString(sum[:]))
				}
				if err == nil {
					t.Error("it was delivered")
				}
				if b, err := os.ReadFile(victim); err != nil || string(b) != secret {
					t.Errorf("the victim's file: %q, %v", b, err)
				}
			})
		}
	}
}
