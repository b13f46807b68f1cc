package ja

import (
	"bytes"
	"compress/flate"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "compress sentences.txt anew")

func sentencesText(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("sentences.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestTheProgramHasTheSentences: what is compressed is what people read and change.
func TestTheProgramHasTheSentences(t *testing.T) {
	want := read(sentencesText(t))
	if *update {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range want {
			fmt.Fprintf(w, "%s\n%s\n", s.english, s.japanese)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("sentences.flate", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := New().all; len(want) < 300 || !slices.Equal(got, want) {
		t.Errorf("sentences.flate is not sentences.txt (%d, %d sentences): go test ./packager/ja -update", len(got), len(want))
	}
}

// readers are the files of packager whose words reach a report: those that read.
var readers = []string{
	"cosign.go", "countersign.go", "believe.go", "frame.go", "reader.go", "tar.go", "segment.go", "logcheck.go", "logalone.go", "logcompare.go",
	"gaps.go", "job.go", "receipt.go", "trust.go", "timestamped.go", "outside.go", "anew.go", "verify.go", "oldcheck.go",
	"signed/sshsig.go", "signed/statement.go", "revoked/list.go", "timestamp/verify.go", "cipher/reader.go",
}

// sayers are the functions that are given a form.
var sayers = []string{"finding", "note", "contradicted", "contradiction", "slip", "add", "worse", "broken", "Errorf", "New", "Sprintf"}

// notForPeople are forms that no report shows: of what only the writer is asked for, of
// names, and pieces of another.
var notForPeople = regexp.MustCompile(`^(%\w(: %\w)*( \(%\w\))*|%w: %s %s|%x|%0.*o.*|%s\.%d%s|, %d \w+|%s cert-authority.*|no signature came.*|%w: the collection was stopped|operator %q: not a name that.*|a place before.*|[a-z_]*|type|broken.*|SigningCertificate.*|the signed content type is another|the signature is (not )?bound to.*)$`)

// forms reads the forms out of packager's source, each with where it is.
func forms(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range readers {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok || !slices.Contains(sayers, called(c)) {
				return true
			}
			for _, a := range c.Args {
				if b, ok := a.(*ast.BasicLit); ok && b.Kind == token.STRING {
					form, err := strconv.Unquote(b.Value)
					if err != nil {
						t.Fatal(err)
					}
					all[form] = name
					break
				}
			}
			return true
		})
	}
	return all
}

func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

var (
	verb  = regexp.MustCompile(`%[.0-9]*([sdvqxwT])`)
	words = regexp.MustCompile(`[a-z]{2,} [a-z]{2,}`)
)

// filled fills a form with what can be found again.
func filled(form string) (text string, with []string) {
	text = verb.ReplaceAllStringFunc(form, func(v string) string {
		s := "X" + strconv.Itoa(len(with)) + "x"
		switch v[len(v)-1] {
		case 'd':
			s = strconv.Itoa(7001 + len(with))
		case 'q':
			s = `"` + s + `: \" – ("`
		}
		with = append(with, s)
		return s
	})
	return text, with
}

// TestEveryFormHasJapanese: whatever packager says when it reads is said in Japanese, and
// nothing that filled it is lost.
func TestEveryFormHasJapanese(t *testing.T) {
	all := forms(t)
	if len(all) < 170 {
		t.Fatalf("only %d forms found", len(all))
	}
	for form, where := range all {
		if notForPeople.MatchString(form) {
			continue
		}
		text, with := filled(strings.ReplaceAll(form, "%v%s", "%v"))
		got := New().Of(text)
		rest := got
		for _, w := range with {
			if !strings.Contains(rest, w) {
				t.Errorf("%s: %q lost %s: %s", where, form, w, got)
			}
			rest = strings.Replace(rest, w, "", 1)
		}
		if strings.IndexFunc(got, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }) < 0 || words.MatchString(rest) {
			t.Errorf("%s: no Japanese of %q: %s", where, form, got)
		}
	}
}

// TestNoSentenceIsForNothing: each is a form, or a piece of one, that stands in what we wrote.
func TestNoSentenceIsForNothing(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"../*.go", "../signed/*.go", "../revoked/*.go", "../timestamp/*.go", "../cipher/*.go", "../keys/*.go", "../secret/*.go",
		"../custody/*.go", "../private/*.go", "../../agent/*.go", "../../service/*/*.go", "../../service/deliver/s3/*.go", "../../collector/*.go", "../../collector/packet/filter/*.go", "../../service/remote/witness/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	ours, _, ok := strings.Cut(sentencesText(t), "# Errors of the system")
	if !ok {
		t.Fatal("no errors of the system")
	}
	said := strings.ReplaceAll(source.String(), `\"`, `"`)
	for _, s := range read(ours) {
		parts := verb.Split(s.english, -1)
		slices.SortFunc(parts, func(a, b string) int { return len(b) - len(a) })
		if !strings.Contains(said, strings.Trim(parts[0], ": ")) {
			t.Errorf("%q: nobody says that", s.english)
		}
	}
}

// TestEveryHarmlessCauseHasJapanese: a responder must be able to read what an indicator may
// be beside the worst.
func TestEveryHarmlessCauseHasJapanese(t *testing.T) {
	names, err := filepath.Glob("../../collector/memory/indicators/*.go")
	if err != nil {
		t.Fatal(err)
	}
	table, seen := New(), 0
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range regexp.MustCompile(`Benign: +\[\]string\{([^}]*)\}`).FindAllStringSubmatch(string(b), -1) {
			for _, quoted := range regexp.MustCompile(`"[^"]*"`).FindAllString(list[1], -1) {
				text := strings.Trim(quoted, `"`)
				seen++
				if table.Of(text) == text {
					t.Errorf("%s: no Japanese of %q", name, text)
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d causes were seen", seen)
	}
}

func TestEverySentenceKeepsItsArguments(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range New().all {
		if seen[s.english] {
			t.Errorf("%q: twice", s.english)
		}
		seen[s.english] = true
		for n := range len(verb.FindAllString(s.english, -1)) {
			if !strings.Contains(s.japanese, "%"+strconv.Itoa(n+1)) {
				t.Errorf("%q: argument %d is not in %q", s.english, n+1, s.japanese)
			}
		}
	}
}

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		"signer: device:pc: the key is unknown (SHA256:abc)":                       "署名者: device:pc: 鍵が信頼する一覧にありません（SHA256:abc）",
		"custody log, event 3 (released): open: released to lab; not received yet": "保管記録、記録 3（released）: 未完了: lab に引渡し済み、まだ受領されていません",
		"9 events, 1 gap, 2 open":                                                  "記録 9 件、空白 1 件、未完了 2 件",
		"open /media/x.zst: permission denied":                                     "open /media/x.zst: 権限がありません",
		"contradiction: member \"a: b\": not a name of this archive":               "矛盾: 項目 \"a: b\": このアーカイブの名前ではありません",
		"1 cut (first: a: b); 3 denied (first: /x: permission denied)":             "打ち切り 1 件（最初: a: b）; 拒否 3 件（最初: /x: 権限がありません）",
		"what nobody knows": "what nobody knows",
		"":                  "",
	} {
		if got := New().Of(text); got != want {
			t.Errorf("%q:\n %q, want\n %q", text, got, want)
		}
	}
}

// TestNamesOfTheHostStay: a name is given as it is, whatever words of ours it has in it.
func TestNamesOfTheHostStay(t *testing.T) {
	for text, want := range map[string]string{
		`member "data/x: verified: sealed" after the last checkpoint`:                     `最後の区切り署名の後に項目 "data/x: verified: sealed" があります`,
		`member "a; b); none: \"key: seal" after the last checkpoint`:                     `最後の区切り署名の後に項目 "a; b); none: \"key: seal" があります`,
		`SHA-1 or MD5 of "windows/key: seal: x.exe" is not what its record says`:          `"windows/key: seal: x.exe" の SHA-1 または MD5 が記録と異なります`,
		`contradiction: member "seal: none": not a name of this archive`:                  `矛盾: 項目 "seal: none": このアーカイブの名前ではありません`,
		`operator:a: verified: sealed`:                                                    `operator:a: verified: sealed`,
		`operator:a: verified: the key is unknown`:                                        `operator:a: verified: 鍵が信頼する一覧にありません`,
		`custody log, event 3 (x): operator:eve: trusted: the key is unknown`:             `保管記録、記録 3（x）: operator:eve: trusted: 鍵が信頼する一覧にありません`,
		`custody log, event 7 (not encrypted): tells of other bytes than these`:           `保管記録、記録 7（not encrypted）: このファイルとは別のバイト列について述べています`,
		`custody log, event 7 (x): seal number "none"; it was released with "a: seal: b"`: `保管記録、記録 7（x）: 封印番号は "none" ですが、引渡し時は "a: seal: b" です`,
		`released to none; not received yet`:                                              `none に引渡し済み、まだ受領されていません`,
		`what operator received is INVALID`:                                               `operator が受領したものは INVALID です`,
		`recovered at 2026 by verified: sealed already, not yet renamed`:                  `2026 に verified が復旧: 封印済み（名前の変更前に中断）`,
		`2 denied (first: key: seal: /x: permission denied)`:                              `拒否 2 件（最初: key: seal: /x: 権限がありません）`,
		`2 denied (first: /x: sealed)`:                                                    `拒否 2 件（最初: /x: sealed）`,
		`2 denied (first: "/x: a); 3 failed (first: b": permission denied)`:               `拒否 2 件（最初: "/x: a); 3 failed (first: b": 権限がありません）`,
		`"verified"`:            `"verified"`,
		`"x: permission denied`: `"x: permission denied`,
		`verified`:              `改変なし（検証済み）`,
		`sealed, verified`:      `封印済み、改変なし（検証済み）`,
	} {
		if got := New().Of(text); got != want {
			t.Errorf("%q:\n %q, want\n %q", text, got, want)
		}
	}
}

// TestOfEndsSoon: a hostile text costs no more than its length allows.
func TestOfEndsSoon(t *testing.T) {
	for _, piece := range []string{"event 1 (x): ", ": ", ", ", "key: statement: ", "%s%d", "contradiction: "} {
		text := strings.Repeat(piece, maxText/len(piece))
		if got := New().Of(text); got == "" {
			t.Errorf("%q is lost", piece)
		}
	}
	long := fmt.Sprintf("key: %s", strings.Repeat("x", maxText))
	if New().Of(long) != long {
		t.Error("a text that is too long is looked at")
	}
}
