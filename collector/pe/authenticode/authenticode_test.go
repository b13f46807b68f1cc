package authenticode

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"hozen/collector/hosttest"
)

func read(t testing.TB, b []byte) Result {
	t.Helper()
	r, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestStamped: hash and time are those that osslsigncode says of the file.
func TestStamped(t *testing.T) {
	r := read(t, hosttest.Unzip(t, "testdata/one.exe.gz"))
	if r.Status != Good || len(r.Signatures) != 1 || r.Note != "" {
		t.Fatalf("%+v", r)
	}
	s := r.Signatures[0]
	if s.Digest != "7a4910cb547ec5fb59e6aa2c6a5f7a506127cb227bb5cda44b1bfd4c10da0744" || s.Algorithm != "SHA-256" {
		t.Errorf("%s %s", s.Algorithm, s.Digest)
	}
	if s.Signer == nil || s.Signer.Subject != "CN=試験 Signer,O=Hozen test" || s.Signer.Issuer != "CN=Test Root,O=Hozen test" || len(s.Chain) != 1 {
		t.Errorf("%+v", s.Signer)
	}
	if want := time.Date(2026, 11, 22, 9, 9, 12, 0, time.UTC); s.Stamped == nil || !s.Stamped.Equal(want) || s.StampedBy != "CN=Test TSA,O=Hozen test" || s.StampedNote != "" {
		t.Errorf("%v %s %s", s.Stamped, s.StampedBy, s.StampedNote)
	}
}

func TestNested(t *testing.T) {
	r := read(t, hosttest.Unzip(t, "testdata/two.exe.gz"))
	if r.Status != Good || len(r.Signatures) != 2 || r.Signatures[0].Algorithm != "SHA-1" || r.Signatures[1].Algorithm != "SHA-256" || r.Signatures[1].Status != Good {
		t.Fatalf("%+v", r)
	}
}

// tableAt finds the table of certificates: its place is the fifth directory.
func tableAt(b []byte) int {
	head := int(binary.LittleEndian.Uint32(b[0x3c:]))
	return int(binary.LittleEndian.Uint32(b[head+24+112+4*8:]))
}

func TestTampered(t *testing.T) {
	whole := hosttest.Unzip(t, "testdata/one.exe.gz")
	for what, c := range map[string]struct {
		change func(b []byte) []byte
		want   Status
		note   string
	}{
		"a byte of code":       {func(b []byte) []byte { b[0x400] ^= 1; return b }, Changed, "SHA-256 of the file is"},
		"the checksum":         {func(b []byte) []byte { b[int(b[0x3c])+24+64] ^= 1; return b }, Good, ""},
		"bytes behind it":      {func(b []byte) []byte { return append(b, "payload!"...) }, Changed, ""},
		"the signature":        {func(b []byte) []byte { b[len(b)-100] ^= 1; return b }, Good, ""}, // of the stamp, see below
		"the signed hash":      {func(b []byte) []byte { at := bytes.Index(b, []byte{0x7a, 0x49, 0x10, 0xcb}); b[at] ^= 1; return b }, Bad, ""},
		"no certificates":      {func(b []byte) []byte { at := int(b[0x3c]) + 24 + 112 + 4*8; clear(b[at : at+8]); return b }, Unsigned, ""},
		"a lying length":       {func(b []byte) []byte { binary.LittleEndian.PutUint32(b[tableAt(b):], 1<<30); return b }, Bad, "are left"},
		"a length of nothing":  {func(b []byte) []byte { binary.LittleEndian.PutUint32(b[tableAt(b):], 0); return b }, Bad, "are left"},
		"another kind":         {func(b []byte) []byte { b[tableAt(b)+6] = 1; return b }, Bad, "type 1"},
		"the message is zeros": {func(b []byte) []byte { clear(b[tableAt(b)+8:]); return b }, Bad, ""},
	} {
		r := read(t, c.change(bytes.Clone(whole)))
		if r.Status != c.want || !strings.Contains(r.Note, c.note) {
			t.Errorf("%s: %s %q, want %s", what, r.Status, r.Note, c.want)
		}
	}
	b := bytes.Clone(whole)
	b[len(b)-100] ^= 1
	if s := read(t, b).Signatures[0]; s.StampedNote == "" {
		t.Errorf("a stamp that was changed is good: %+v", s)
	}
}

// TestEveryByte: whatever byte is changed, nothing panics, and no change of what is
// hashed passes.
func TestEveryByte(t *testing.T) {
	whole := hosttest.Unzip(t, "testdata/two.exe.gz")
	step := 61
	for at := 0x200; at < len(whole); at += step {
		b := bytes.Clone(whole)
		b[at] ^= 0x55
		r, err := Read(bytes.NewReader(b), int64(len(b)))
		if err == nil && r.Status == Good && at < tableAt(whole) {
			t.Errorf("byte %#x changed: good", at)
		}
	}
}

// TestCatalogSigner: whose a message of PKCS #7 is; of bytes that are none, nobody's.
func TestCatalogSigner(t *testing.T) {
	b := hosttest.Unzip(t, "testdata/one.exe.gz")
	messages, _ := messagesOf(b[tableAt(b):])
	if c, err := CatalogSigner(messages[0]); err != nil || c.Subject != "CN=試験 Signer,O=Hozen test" {
		t.Errorf("%+v %v", c, err)
	}
	for n := 0; n < len(messages[0]); n += 97 {
		CatalogSigner(messages[0][:n])
	}
	if c, err := CatalogSigner([]byte("no catalogue")); err == nil || c != nil {
		t.Errorf("%+v", c)
	}
	reads := 0
	check := Checker{
		Ask: func(string) (Trust, error) { return Trust{Verdict: Trusted, Catalog: `C:\x.cat`}, nil },
		Catalog: func(name string) ([]byte, error) {
			reads++
			return messages[0], nil
		},
	}
	own := bytes.Clone(b)
	at := int(own[0x3c]) + 24 + 112 + 4*8
	clear(own[at : at+8])
	for range 2 {
		f, err := check.Facts(bytes.NewReader(own), int64(len(own)), `C:\x.exe`)
		if err != nil || f.Status != Unsigned || f.Signer != "CN=試験 Signer,O=Hozen test" || f.Catalog != `C:\x.cat` || f.Nobodys() || reads != 1 {
			t.Errorf("%+v %v, %d reads", f, err, reads)
		}
	}
}

// TestVerbatim: names that Windows would change are given as they are.
func TestVerbatim(t *testing.T) {
	for name, want := range map[string]string{
		`C:\x.exe`: `C:\x.exe`, `C:\Windows \x.exe`: `\\?\C:\Windows \x.exe`, `C:\x.exe.`: `\\?\C:\x.exe.`, `\\?\C:\x `: `\\?\C:\x `,
		`C:\` + strings.Repeat("a", 300): `\\?\C:\` + strings.Repeat("a", 300),
	} {
		if got := verbatim(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func FuzzAuthenticode(f *testing.F) {
	for _, name := range []string{"one", "two"} {
		b := hosttest.Unzip(f, "testdata/"+name+".exe.gz")
		f.Add(b[tableAt(b):])
	}
	host := hosttest.Unzip(f, "testdata/one.exe.gz")
	at := tableAt(host)
	f.Fuzz(func(t *testing.T, table []byte) {
		b := append(bytes.Clone(host[:at]), table...)
		binary.LittleEndian.PutUint32(b[int(b[0x3c])+24+112+4*8+4:], uint32(len(table)))
		Read(bytes.NewReader(b), int64(len(b)))
		messages, _ := messagesOf(table)
		for _, m := range messages {
			readSignature(m)
		}
	})
}
