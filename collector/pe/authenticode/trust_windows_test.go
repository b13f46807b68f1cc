package authenticode

import (
	"bytes"
	"os"
	"testing"

	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// TestTrustOf asks the system about a file that nobody signed, one that is not there, and
// one that somebody unknown signed.
func TestTrustOf(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	got, err := TrustOf(own)
	if outcome, _, _ := evidence.Classify(err, 0); outcome != evidence.Collected && outcome != evidence.Absent || got.Verdict != "TRUST_E_NOSIGNATURE" {
		t.Errorf("our test: %+v %v", got, err)
	}
	if got, err := TrustOf(own + ".none"); err == nil && got.Verdict == Trusted {
		t.Errorf("no file: %+v", got)
	}
}

// TestTrustOfStrangers: a file that was changed is not one without a signature. (Wine trusts
// a signer of whose issuer it knows nothing: what Windows says of that one is not held here.)
func TestTrustOfStrangers(t *testing.T) {
	signed := hosttest.Unzip(t, "testdata/one.exe.gz")
	changed := bytes.Clone(signed)
	changed[0x400] ^= 1
	for _, b := range [][]byte{signed, changed} {
		f, err := os.CreateTemp("", "stranger*.exe")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(f.Name()) })
		if _, err := f.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		c := Checker{Ask: TrustOf}
		got, err := c.Facts(bytes.NewReader(b), int64(len(b)), f.Name())
		if err != nil || got.Nobodys() || got.Changed() != (got.Status == Changed) || got.Status == Changed && got.Verdict != badDigest {
			t.Errorf("%+v %v", got, err)
		}
	}
}
