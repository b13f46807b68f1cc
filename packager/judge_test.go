package packager

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hozen/packager/signed"
)

// judged is an archive that other programs look at.
type judged struct {
	t               *testing.T
	dir, file, base string
	device          Device
}

func newJudged(t *testing.T) *judged {
	dir := t.TempDir()
	file, d := writeArchive(t, dir)
	return &judged{t, dir, file, forgedID, d}
}

// sh runs a script in the archive's directory; it is skipped where a tool is missing.
func (j *judged) sh(script string, tools ...string) string {
	j.t.Helper()
	for _, tool := range append(tools, "sh") {
		if _, err := exec.LookPath(tool); err != nil {
			j.t.Skipf("needs %s: %v", tool, err)
		}
	}
	c := exec.Command("sh", "-ec", script)
	c.Dir = j.dir
	c.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C", "F="+j.file, "ID="+j.base)
	out, err := c.CombinedOutput()
	if err != nil {
		j.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// Every extractor gives the same tree, and the checksum files hold on it.
func TestExtractors(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		tools  []string
	}{
		"gnu-tar":       {`zstd -dcq "$F" | tar -xf -`, []string{"tar", "zstd"}},
		"gnu-tar-zstd":  {`tar --zstd -xf "$F"`, []string{"tar", "zstd"}},
		"bsdtar":        {`bsdtar -xf "$F"`, []string{"bsdtar"}},
		"busybox":       {`zstd -dcq "$F" | busybox tar -xf -`, []string{"busybox", "zstd"}},
		"7z-then-tar":   {`zstd -dcq "$F" >x.tar; 7z x -y x.tar >/dev/null; rm x.tar`, []string{"7z", "zstd"}},
		"python-tar":    {`zstd -dcq "$F" >x.tar; python3 -m tarfile -e x.tar . ; rm x.tar`, []string{"python3", "zstd"}},
		"cpio-of-ustar": {`zstd -dcq "$F" | cpio -idm --quiet`, []string{"cpio", "zstd"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJudged(t)
			j.sh(c.script, c.tools...)
			j.sh(`cd "$ID"; sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt custody/cp/*.sha256`, "sha256sum")
			j.sh(`cd "$ID"; test -z "$(find . ! -type f ! -type d)"; test "$(find data -type f | wc -l)" = "$(wc -l <manifest-sha256.txt)"`)
			if got := readFile(t, filepath.Join(j.dir, forgedID, "data/volatile/item-2.txt")); string(got) != strings.Repeat("line 2\n", 80) {
				t.Errorf("%.40q", got)
			}
		})
	}
}

func TestZstdJudges(t *testing.T) {
	j := newJudged(t)
	j.sh(`zstd -tq "$F"`, "zstd")
	if out := j.sh(`zstd --list -v "$F" 2>&1`, "zstd"); !strings.Contains(out, "XXH64") && !strings.Contains(out, "Frames") {
		t.Errorf("%s", out)
	}
	// Whoever extracts with zstd alone gets the tar stream that the statements count.
	r := verdict(t, readFile(t, j.file), trusting(t, j.device))
	n := strings.TrimSpace(j.sh(`zstd -dcq "$F" | wc -c`, "zstd"))
	sealed := int64(0)
	for _, f := range framesOf(t, readFile(t, j.file)) {
		if f.kind == frameStored {
			sealed = int64(len(f.plain))
		}
	}
	if want := fmt.Sprint(r.Seal.TarBytes + sealed); n != want {
		t.Errorf("%s tar bytes, want %s", n, want)
	}
	got := strings.Fields(j.sh(fmt.Sprintf(`head -c %d "$F" | sha256sum`, r.Seal.Archive.Bytes), "sha256sum"))[0]
	if got != r.Seal.Archive.SHA256 {
		t.Errorf("head | sha256sum gives %s, the seal %s", got, r.Seal.Archive.SHA256)
	}
}

func TestSSHKeygenJudges(t *testing.T) {
	j := newJudged(t)
	line, err := j.device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(j.dir, "allowed"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	j.sh(`zstd -dcq "$F" | tar -xf -`, "zstd", "tar")
	ok := func(statement, sig, trust, who, ns string) {
		t.Helper()
		out := j.sh(fmt.Sprintf(`ssh-keygen -Y verify -f %s -I %s -n %s -s "$ID/custody/%s" <"$ID/custody/%s"`, trust, who, ns, sig, statement), "ssh-keygen")
		if !strings.Contains(out, "Good") {
			t.Errorf("%s: %s", statement, out)
		}
	}
	ok("genesis.json", "genesis.json.sig", "allowed", "device:pc-42", signed.Genesis)
	ok("seal.json", "seal.json.device.sig", "allowed", "device:pc-42", signed.Seal)
	session := func(k int, after string) {
		key := between(string(readFile(t, filepath.Join(j.dir, forgedID, "custody", after))), "key\":\"", k)
		if err := os.WriteFile(filepath.Join(j.dir, "session"), []byte("session "+key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	session(2, "genesis.json") // first_key is the second key in it
	ok("cp/00000001.json", "cp/00000001.json.sig", "session", "session", signed.Checkpoint)
	session(2, "cp/00000001.json")
	ok("cp/00000002.json", "cp/00000002.json.sig", "session", "session", signed.Checkpoint)
	session(2, "cp/00000003.json")
	ok("seal.json", "seal.json.sig", "session", "session", signed.Seal)
}

// between gives the n-th text between a mark and the next quote.
func between(s, mark string, n int) string {
	for range n {
		_, s, _ = strings.Cut(s, mark)
	}
	text, _, _ := strings.Cut(s, `"`)
	return text
}

// A cut archive can be salvaged by hand: head, zstd, tar.
func TestSalvageByHand(t *testing.T) {
	j := newJudged(t)
	b := readFile(t, j.file)
	cut := b[:len(b)/2]
	r := verdict(t, cut, trusting(t, j.device))
	if err := os.WriteFile(j.file, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	j.sh(fmt.Sprintf(`head -c %d "$F" | zstd -dcq | tar -xf - 2>/dev/null || true; cd "$ID"; sha256sum --quiet -c custody/cp/*.sha256`, r.AuthenticBytes), "zstd", "tar", "sha256sum")
	if !bytes.Equal(readFile(t, filepath.Join(j.dir, forgedID, "data/plan.json")), []byte("{}\n")) {
		t.Error("plan.json is not what was put")
	}
}
