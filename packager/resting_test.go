package packager

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hozen/packager/signed"
)

// A resting key signs as the key of its file does, and not with one that came in its place.
func TestRestingDevice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "device.key")
	made, err := NewDevice("pc-42", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := SaveDevice(made, file); err != nil {
		t.Fatal(err)
	}
	d, err := RestingDevice(file, "other")
	if err != nil || d.Name != "pc-42" {
		t.Fatalf("%q, %v", d.Name, err)
	}
	pub, err := made.Public()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signed.Sign(d.Signer, signed.Audit, []byte("line\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := signed.Check(pub, signed.Audit, []byte("line\n"), sig); err != nil {
		t.Error(err)
	}
	other, err := NewDevice("pc-42", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := signed.Sign(d.Signer, signed.Audit, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without its file: %v", err)
	}
	if err := os.Remove(file + ".pub"); err != nil {
		t.Fatal(err)
	}
	if err := SaveDevice(other, file); err != nil {
		t.Fatal(err)
	}
	if _, err := signed.Sign(d.Signer, signed.Audit, nil); !errors.Is(err, errOtherKey) {
		t.Errorf("with another key in its file: %v", err)
	}
}
