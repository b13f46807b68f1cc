package known

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// sums are the three hashes of a content, as text.
func sums(body string) (one [32]byte, two [20]byte, three [16]byte) {
	return sha256.Sum256([]byte(body)), sha1.Sum([]byte(body)), md5.Sum([]byte(body))
}

func text(body string) (s256, s1, m5 string) {
	a, b, c := sums(body)
	return hex.EncodeToString(a[:]), hex.EncodeToString(b[:]), hex.EncodeToString(c[:])
}

func TestForms(t *testing.T) {
	a256, a1, a5 := text("a")
	b256, b1, b5 := text("b")
	for _, c := range []struct {
		name, list    string
		lineA, lineB  int64 // 0: not in the list
		by            Kind
		label         string
		bad           int
		s256, s1, md5 int64
	}{
		{"plain", a256 + "\n" + b256 + "\n", 1, 2, SHA256, "", 0, 2, 0, 0},
		{"plain, CRLF, upper case, comments, no newline at the end", "# list\r\n\r\n" + strings.ToUpper(a1) + "\r\n" + b1, 3, 4, SHA1, "", 0, 0, 2, 0},
		{"byte order mark", "\xef\xbb\xbf" + a5 + "\n" + b5 + "\n", 1, 2, MD5, "", 0, 0, 0, 2},
		{"sha256sum", a256 + "  /bin/a\n\\" + b256 + " */bin/line\\nbreak\n", 1, 2, SHA256, "", 0, 2, 0, 0},
		{"md5sum --tag", "MD5 (a (1) file) = " + a5 + "\n\\MD5 (b) = " + b5 + "\n", 1, 2, MD5, "", 0, 0, 0, 2},
		{"mixed with what is bad", "rubbish\n" + a5 + "\n" + a5[1:] + "\n" + a256 + "0\n" + b1 + "x\n", 2, 0, MD5, "", 4, 0, 0, 1},
		{"NSRL", `"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"` + "\r\n" +
			`"` + strings.ToUpper(a1) + `","` + strings.ToUpper(a5) + `","E6DE70F1","a "quoted", name",8,1,"WIN",""` + "\r\n" +
			`"","` + b5 + `","","b",1,1,"WIN",""` + "\r\n", 2, 3, SHA1, "", 0, 0, 1, 1},
		{"CSV with labels", "sha256;category;md5\n" + a256 + ";evil;\n;;" + b5 + "\n;;\n" + a5 + ";x;\nshort\n", 2, 3, SHA256, "evil", 3, 1, 0, 1},
		{"tab", "name\tsha256\nx\t" + a256 + "\ny\t" + b256 + "\n", 2, 3, SHA256, "", 0, 2, 0, 0},
		{"hashdeep", "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /\n##\n1," + a5 + "," + a256 + ",/a,b\n1," + b5 + "," + b256 + ",/b\n", 5, 6, SHA256, "", 0, 2, 0, 0},
		{"a long line", strings.Repeat("x", 3*maxLine) + "\n" + a256 + "\n", 2, 0, SHA256, "", 1, 1, 0, 0},
		{"twice", a256 + "\n" + b256 + "\n" + a256 + "\n", 1, 2, SHA256, "", 0, 3, 0, 0},
		{"a column alone", "sha256\tx\n" + a256 + "\n", 2, 0, SHA256, "", 0, 1, 0, 0},
	} {
		l, err := Load("list", iotest.OneByteReader(strings.NewReader(c.list)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if l.SHA256 != hex.EncodeToString(sumOf(c.list)) || l.Size != int64(len(c.list)) {
			t.Errorf("%s: hash %s, size %d", c.name, l.SHA256, l.Size)
		}
		if len(l.Bad) != c.bad || l.Counts["sha256"] != c.s256 || l.Counts["sha1"] != c.s1 || l.Counts["md5"] != c.md5 {
			t.Errorf("%s: %v, bad %v", c.name, l.Counts, l.Bad)
		}
		all := New([]*List{l})
		for body, line := range map[string]int64{"a": c.lineA, "b": c.lineB, "c": 0} {
			hits := all.Hits(sums(body))
			if line == 0 && len(hits) > 0 || line > 0 && (len(hits) != 1 || hits[0].Line != line || hits[0].List != "list") {
				t.Errorf("%s: %q: %+v, want line %d", c.name, body, hits, line)
			}
			if body == "a" && (hits[0].By != c.by || hits[0].Label != c.label) {
				t.Errorf("%s: %+v", c.name, hits[0])
			}
		}
	}
}

func sumOf(s string) []byte { h := sha256.Sum256([]byte(s)); return h[:] }

func TestListsThatAreNone(t *testing.T) {
	for list, want := range map[string]string{
		"":                       "no hash",
		"# nothing\n":            "no hash",
		"hello\nworld\n":         "line 1",
		"\xff\xfeh\x00":          "UTF-16",
		"md5,sha1\n,\n":          "line 2",
		strings.Repeat("a", 128): "not the length",
	} {
		if _, err := Load("l", strings.NewReader(list)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", list, err, want)
		}
	}
	broken := errors.New("broken")
	if _, err := Load("l", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestBadLinesAreBounded(t *testing.T) {
	a, _, _ := text("a")
	l, err := Load("l", strings.NewReader(strings.Repeat("bad\n", maxBad+7)+a))
	if err != nil || len(l.Bad) != maxBad || l.BadMore != 7 {
		t.Errorf("%v: %d and %d", err, len(l.Bad), l.BadMore)
	}
}

// The list of a real project: every hash of it is found again, where it stands.
func TestLOLDrivers(t *testing.T) {
	raw, err := os.ReadFile("testdata/loldrivers-hashes.csv")
	if err != nil {
		t.Fatal(err)
	}
	l, err := Load("drivers", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	all, found, empty := New([]*List{l}), int64(0), 0
	seen := map[string]int64{}
	for n, line := range strings.Split(strings.TrimSpace(string(raw)), "\n")[1:] {
		f := strings.Split(line, ",")
		var a [32]byte
		var b [20]byte
		sum := f[0] + f[1]
		if f[0] != "" {
			sum = f[0]
			hex.Decode(a[:], []byte(f[0]))
		} else {
			hex.Decode(b[:], []byte(f[1]))
		}
		if sum == "" {
			empty++
			continue
		}
		if seen[sum] == 0 {
			seen[sum] = int64(n + 2)
		}
		found++
		if hits := all.Hits(a, b, [16]byte{}); len(hits) != 1 || hits[0].Line != seen[sum] || hits[0].Label != f[3] {
			t.Errorf("line %d: %+v", n+2, hits)
		}
	}
	if found != l.Counts["sha256"]+l.Counts["sha1"] || len(l.Bad) != empty || found < 50 {
		t.Errorf("%d found, %d empty; counts %v, %d bad", found, empty, l.Counts, len(l.Bad))
	}
}

func TestObserve(t *testing.T) {
	_, a1, _ := text("a")
	_, _, b5 := text("b")
	one, err := Load("one", strings.NewReader(a1+"\n"+b5+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := Load("two", strings.NewReader("md5,label\n"+b5+",\xff\n"))
	if err != nil {
		t.Fatal(err)
	}
	l := New([]*List{one, two})
	see := func(path, body string, o evidence.Outcome) {
		r := evidence.Record{Item: evidence.Item{Path: path, Source: "/" + path}, Outcome: o, Size: int64(len(body))}
		r.SHA256, r.SHA1, r.MD5 = sums(body)
		l.Observe(r)
	}
	see("z", "a", evidence.Collected)
	see("p", "a", evidence.Partial)
	see("b", "b", evidence.Collected)
	see("c", "c", evidence.Collected)
	var none *Lists
	none.Observe(evidence.Record{Outcome: evidence.Collected})
	s := &hosttest.Sink{}
	if err := l.Put(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[Row](s.Body(Member))
	if err != nil || len(rows) != 3 || l.Matches() != 3 {
		t.Fatalf("%+v, %v", rows, err)
	}
	want := []Row{{"b", "/b", 1, "one", 2, "", "md5", b5}, {"b", "/b", 1, "two", 2, "\xff", "md5", b5}, {"z", "/z", 1, "one", 1, "", "sha1", a1}}
	for i := range want {
		if rows[i] != want[i] {
			t.Errorf("%+v, want %+v", rows[i], want[i])
		}
	}
	if names := l.Match(sums("b")); strings.Join(names, " ") != "one two" {
		t.Errorf("%v", names)
	}
}

// Several blocks, hashes that begin alike: what a map says, the table says.
func TestTable(t *testing.T) {
	tab := table{size: 20}
	truth := map[string]uint32{}
	for i := range uint32(3 * 4096) {
		sum := make([]byte, 20)
		rand.Read(sum)
		if i%3 == 0 {
			clear(sum[:19])
		}
		if _, ok := truth[string(sum)]; !ok {
			truth[string(sum)] = i
		}
		if tab.add(sum, i, uint16(i)); i%4096 == 4095 {
			tab.close()
		}
	}
	tab.done()
	for sum, want := range truth {
		if line, label, ok := tab.find([]byte(sum)); !ok || line != want || label != uint16(want) {
			t.Fatalf("%x: %d %v, want %d", sum, line, ok, want)
		}
		miss := []byte(sum)
		miss[10] ^= 1
		if _, _, ok := tab.find(miss); ok {
			t.Fatalf("%x found", miss)
		}
	}
}

func TestSchema(t *testing.T) {
	schema, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Documented(t, string(schema), Row{})
}

func FuzzLoad(f *testing.F) {
	a, b, c := text("a")
	f.Add([]byte("md5,sha1,label\n" + c + "," + b + ",x\n"))
	f.Add([]byte(a + "  name\n"))
	f.Add([]byte("%%%% size,md5,filename\n1," + c + ",n\n"))
	f.Add([]byte("\"SHA-1\",\"MD5\"\n\"" + b + "\",\"\"\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := Load("l", bytes.NewReader(raw))
		if err != nil {
			return
		}
		if l.Size != int64(len(raw)) || l.Counts["sha256"]+l.Counts["sha1"]+l.Counts["md5"] == 0 {
			t.Errorf("%+v", l)
		}
		New([]*List{l}).Hits(sums("a"))
	})
}

// BenchmarkLoad reads a list like that of the NSRL and says what it costs.
func BenchmarkLoad(b *testing.B) {
	const lines = 500_000
	raw, err := io.ReadAll(io.MultiReader(strings.NewReader("\"SHA-1\",\"MD5\",\"CRC32\",\"FileName\",\"FileSize\",\"ProductCode\",\"OpSystemCode\",\"SpecialCode\"\n"), &nsrl{left: lines}))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		l, err := Load("nsrl", bytes.NewReader(raw))
		if err != nil || l.Counts["sha1"] != lines {
			b.Fatal(err)
		}
		b.SetBytes(l.Size)
		b.ReportMetric(float64(l.used)/lines, "B/hash")
		runtime.KeepAlive(l)
	}
}

// An nsrl makes lines like those of NSRLFile.txt.
type nsrl struct {
	left int
	buf  []byte
}

func (n *nsrl) Read(p []byte) (int, error) {
	for len(n.buf) < len(p) && n.left > 0 {
		n.left--
		_, one, five := text(fmt.Sprint(n.left))
		n.buf = fmt.Appendf(n.buf, "%q,%q,\"E6DE70F1\",\"file-%d.dll\",102400,3095,\"WIN\",\"\"\n", one, five, n.left)
	}
	k := copy(p, n.buf)
	n.buf = n.buf[k:]
	if k == 0 {
		return 0, io.EOF
	}
	return k, nil
}

func BenchmarkFind(b *testing.B) {
	l, err := Load("nsrl", io.MultiReader(strings.NewReader("sha1,md5,a,b,c,d,e,f\n"), &nsrl{left: 2_000_000}))
	if err != nil {
		b.Fatal(err)
	}
	all := New([]*List{l})
	x, y, z := sums("missing")
	for b.Loop() {
		if all.Hits(x, y, z) != nil {
			b.Fatal("found")
		}
	}
}
