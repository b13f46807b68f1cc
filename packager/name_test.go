package packager

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func hostilePaths() []string {
	return []string{"", "/", ".", "..", "...", "../..", "a/../b", "a//b", "/abs", "a/", "a\nb", "\x1b]0;x\x07", "\xff\xfe\x00", "日本/語", "=", "%", "a=3D", " ", "a ", " a", "a.", "..a", "~",
		"CON", "con.txt", "Aux", "nul.tar.gz", "COM1", "com0", "LPT9.x", "console", "C:\\x", "\\\\server\\share", "-rf", "--checkpoint-action=exec=sh", "*?<>|\"'", "a:b:c", "a\u202eb", "é", "é",
		strings.Repeat("a", 120), strings.Repeat("a", 121), strings.Repeat("é", 127), strings.Repeat("=", 255), strings.Repeat("x/", 200), strings.Repeat("y", 199) + "/z",
		strings.Repeat("deep/", 30) + strings.Repeat("x", 120), "x.p000000", "x.p12345", "x.p0000001", "a.p000000.p000001", "x.p000000/y", "NUL.p000000", strings.Repeat("z", 130) + ".p000000"}
}

func checkName(t interface{ Errorf(string, ...any) }, name string) {
	enc := EncodePath(name)
	if enc != EncodePath(name) || !cleanMember("data/"+enc) || !cleanMember("data/"+enc+"~12.p000000") {
		t.Errorf("%q gives %q, which no member may be called", name, enc)
	}
	if path.Clean(enc) != enc || path.IsAbs(enc) || !filepath.IsLocal(enc) {
		t.Errorf("%q gives %q, which is not a plain path", name, enc)
	}
	if last := enc[strings.LastIndexByte(enc, '/')+1:]; partName(last) {
		t.Errorf("%q gives %q, the name of a part", name, enc)
	}
}

func partName(last string) bool {
	at := len(last) - len(".p000000")
	return at >= 0 && partPattern.MatchString(last[at:])
}

func TestHostileNames(t *testing.T) {
	for _, p := range hostilePaths() {
		checkName(t, p)
	}
}

func TestAnyName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkName(t, string(rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("./=~p0cOnN"))), 0, 600).Draw(t, "path")))
	})
}

// What stands between two names is that they differ, also where case does not count.
func TestUniqueNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, r := newNames(), newNames()
		for _, p := range rapid.SliceOf(rapid.StringMatching(`[aA]?(/[aA~2.]{1,3}){0,3}`)).Draw(t, "paths") {
			name := n.unique(p, nameFile)
			if !cleanMember(name) || !r.takeMember(name) {
				t.Fatalf("%q gets %q, which a reader refuses", p, name)
			}
		}
	})
}

// The tar layer is read by others as it was meant.
func TestTarAgainstOthers(t *testing.T) {
	names := []string{"bagit.txt", "data/" + strings.Repeat("n", 90), longName}
	for n := 60; n < 260; n += 7 {
		names = append(names, "data/"+strings.Repeat("d", n%100+1)+"/"+strings.Repeat("e", min(n/2, 120)))
	}
	for _, p := range hostilePaths() {
		names = append(names, "data/"+EncodePath(p))
	}
	var b bytes.Buffer
	for i, n := range names {
		body := strings.Repeat("x", i*37)
		b.Write(header(forgedID+"/"+n, int64(len(body)), testTime.Unix()))
		b.WriteString(body)
		b.Write(make([]byte, padding(int64(len(body)))))
	}
	b.Write(make([]byte, 2*tarBlock))
	r := tar.NewReader(bytes.NewReader(b.Bytes()))
	for i, n := range names {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != forgedID+"/"+n || h.Size != int64(i*37) || h.Typeflag != tar.TypeReg || h.Mode != 0o444 || !h.ModTime.Equal(testTime) || h.Uid+h.Gid != 0 || h.Uname+h.Gname+h.Linkname != "" {
			t.Errorf("%q: %+v", n, h)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	for _, tool := range []string{"tar", "bsdtar"} {
		if _, err := exec.LookPath(tool); err != nil {
			continue
		}
		file := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, "-tf", file).CombinedOutput()
		want := forgedID + "/" + strings.Join(names, "\n"+forgedID+"/") + "\n"
		if err != nil || string(out) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tool, err, out, want)
		}
	}
}

func FuzzEncodePath(f *testing.F) {
	for _, p := range hostilePaths() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) { checkName(t, path) })
}

// Whatever header is accepted is the one that the writer makes.
func FuzzParseHeader(f *testing.F) {
	f.Add(header(forgedID+"/bagit.txt", 55, testTime.Unix()), testTime.Unix())
	f.Add(header(forgedID+"/"+longName, 55, testTime.Unix())[:tarBlock], testTime.Unix())
	f.Add(odd(header(forgedID+"/data/a", 0, 0), func(h []byte) { h[156] = '2' }), int64(0))
	f.Fuzz(func(t *testing.T, h []byte, epoch int64) {
		if len(h) != tarBlock {
			return
		}
		name, size, pax, err := parseHeader(h, epoch)
		if err != nil {
			return
		}
		kind := byte('0')
		if pax {
			kind = 'x'
		}
		prefix, base, ok := splitName(name)
		if !ok || !bytes.Equal(ustar(prefix, base, size, epoch, kind), h) {
			t.Errorf("%q of %d bytes is accepted in another form", name, size)
		}
	})
}

func FuzzParsePax(f *testing.F) {
	f.Add(paxPath(forgedID + "/" + longName))
	f.Add([]byte("18 comment=hidden\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if path, err := parsePax(b); err == nil && !bytes.Equal(paxPath(path), b) {
			t.Errorf("%q is accepted in another form", b)
		}
	})
}
