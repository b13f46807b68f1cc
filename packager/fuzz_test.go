package packager

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hozen/packager/signed"
)

// goldenFiles gives the small files of testdata/archives/v1 that end so.
func goldenFiles(t testing.TB, suffix string) (list [][]byte) {
	t.Helper()
	entries, err := os.ReadDir(goldenDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			list = append(list, readFile(t, filepath.Join(goldenDir, e.Name())))
		}
	}
	if len(list) == 0 {
		t.Fatalf("no %s in %s", suffix, goldenDir)
	}
	return list
}

// A frame that is read is exactly the bytes that lay there.
func FuzzNextFrame(f *testing.F) {
	for _, fr := range framesOf(f, goldenFiles(f, "untouched.tar.zst")[0]) {
		f.Add(fr.bytes)
	}
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0x0f})
	f.Add(skippable(magicSeekTable, nil)[:6])
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := nextFrame(bytes.NewReader(b), 0, nil)
		if err != nil {
			return
		}
		if !bytes.Equal(fr.bytes, b[:len(fr.bytes)]) || fr.kind == frameStored && !bytes.Equal(storedFrame(fr.plain), fr.bytes) {
			t.Errorf("%d bytes, kind %d", len(fr.bytes), fr.kind)
		}
	})
}

// Nobody gets from one of our archives to another that is VALID by changing bytes,
// and nothing makes a reader crash.
func FuzzVerify(f *testing.F) {
	golden := goldenFiles(f, ".tar.zst")
	for _, b := range golden {
		f.Add(b)
	}
	// The first is who signed the archive without a fault; others signed other archives.
	signer, _, _ := bytes.Cut(readFile(f, filepath.Join(goldenDir, "allowed_signers")), []byte("\n"))
	trust, err := ParseTrust(bytes.NewReader(signer))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ctx, r, size, o := context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{Trust: trust}
		rep := verdict(t, b, o)
		if rep.AuthenticBytes > size || rep.Exit != rep.Verdict.ExitCode() {
			t.Errorf("%+v", rep)
		}
		// He signed some of those with a fault, too: what of them stands before it is authentic.
		made := slices.ContainsFunc(golden, func(g []byte) bool { return bytes.HasPrefix(g, b[:rep.AuthenticBytes]) })
		if (rep.Verdict == Valid || rep.Verdict == ValidPartial) && !made {
			t.Errorf("%s of other bytes, which no holder of the keys made", rep.Verdict)
		}
		if _, err := List(ctx, r, size, o, func(RecordLine) error { return nil }); err != nil {
			t.Error(err)
		}
		_, _ = Cat(ctx, r, size, o, "data/plan.json", io.Discard)
	})
}

func FuzzDecodeStatement(f *testing.F) {
	for _, name := range []string{"genesis", "checkpoint", "seal", "event"} {
		text := string(readFile(f, "FORMAT.md"))
		_, after, _ := strings.Cut(text, "```"+name+"\n")
		body, _, ok := strings.Cut(after, "```")
		if !ok {
			f.Fatal(name)
		}
		f.Add([]byte(body))
	}
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, v := range []any{new(Genesis), new(Checkpoint), new(Seal), new(Event)} {
			if signed.Decode(b, v) != nil {
				continue
			}
			if again, err := signed.Encode(v); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%T is accepted in another encoding: %q", v, b)
			}
		}
	})
}

// Each field that is missing, doubled, unknown, moved or of another type is refused.
func TestStatementEncodings(t *testing.T) {
	good := `{"path":"a","sha256":"b"}` + "\n"
	var v FileHash
	if err := signed.Decode([]byte(good), &v); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "\n", "{}\n", `{"path":"a"}` + "\n", `{"sha256":"b","path":"a"}` + "\n", `{"path":"a","sha256":"b","x":1}` + "\n",
		`{"path":"a","path":"a","sha256":"b"}` + "\n", `{"PATH":"a","sha256":"b"}` + "\n", `{"path":"\u0061","sha256":"b"}` + "\n",
		` {"path":"a","sha256":"b"}` + "\n", `{"path":"a","sha256":"b"} ` + "\n", `{"path":"a","sha256":"b"}`, good + good, good + "\n",
		`{"path":"a","sha256":null}` + "\n", `{"path":1,"sha256":"b"}` + "\n", "{\"path\":\"\xff\",\"sha256\":\"b\"}\n", "\xef\xbb\xbf" + good, strings.Repeat(" ", signed.MaxStatement) + good} {
		var v FileHash
		if err := signed.Decode([]byte(bad), &v); err == nil {
			t.Errorf("%.80q is accepted", bad)
		}
	}
}

func FuzzReadLog(f *testing.F) {
	for _, b := range goldenFiles(f, ".custody.jsonl") {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		events, cut, err := readLog(b)
		if err != nil {
			return
		}
		whole := b[:bytes.LastIndexByte(b, '\n')+1]
		if cut != (len(whole) < len(b)) || len(events) != bytes.Count(whole, []byte("\n")) {
			t.Errorf("%d events, cut %t", len(events), cut)
		}
		if _, err := json.Marshal(events); err != nil {
			t.Error(err)
		}
		_ = verdict(t, nil, VerifyOptions{Log: append([]byte{}, b...)})
	})
}
