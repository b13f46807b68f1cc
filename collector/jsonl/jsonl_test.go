package jsonl

import (
	"bytes"
	"encoding/json"
	"testing"
)

type row struct {
	A Text   `json:"a"`
	B []Text `json:"b,omitempty"`
}

func TestTextIsLossless(t *testing.T) {
	for _, s := range []string{"", "plain", "\x1b[31m", "a\nb\tc\"\\", "\xff\xfe", "保全", "\x7f\x00", "<&>", "\u2028"} {
		b, err := json.Marshal(row{A: Text(s)})
		if err != nil {
			t.Fatal(err)
		}
		var back row
		if err := json.Unmarshal(b, &back); err != nil || string(back.A) != s {
			t.Errorf("%q became %q via %s (%v)", s, back.A, b, err)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("a\x80\x1b"))
	f.Fuzz(func(t *testing.T, in []byte) {
		b := AppendText(nil, string(in))
		if !json.Valid(b) {
			t.Fatalf("not JSON: %s", b)
		}
		var back Text
		if err := json.Unmarshal(b, &back); err != nil || string(back) != string(in) {
			t.Fatalf("%q became %q (%v)", in, back, err)
		}
	})
}

func TestWriteRead(t *testing.T) {
	var buf bytes.Buffer
	rows := []row{{A: "x<y"}, {A: "\xff", B: Texts([]string{"1", "\xfe"})}}
	if err := Write(&buf, rows); err != nil {
		t.Fatal(err)
	}
	const want = "{\"a\":\"x<y\"}\n{\"a\":{\"b64\":\"/w==\"},\"b\":[\"1\",{\"b64\":\"/g==\"}]}\n"
	if buf.String() != want {
		t.Errorf("got %s want %s", buf.String(), want)
	}
	back, err := Read[row](buf.Bytes())
	if err != nil || len(back) != 2 || back[1].B[1] != "\xfe" {
		t.Errorf("back %v %v", back, err)
	}
}
