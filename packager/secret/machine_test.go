package secret

import (
	"bytes"
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, blob := range [][]byte{{}, []byte("x"), bytes.Repeat([]byte{7}, pageSize)} {
		b := wrap(blob)
		got, ok, err := unwrap(b)
		if !ok || err != nil || !bytes.Equal(got, blob) || len(b)%pageSize != 0 {
			t.Errorf("%d bytes: %v %v, %d bytes", len(blob), ok, err, len(b))
		}
	}
	b := wrap([]byte("sealed"))
	b[len(b)-1] = 1
	if _, ok, err := unwrap(b); !ok || err == nil {
		t.Error("something behind it is taken")
	}
	if _, ok, err := unwrap([]byte(machineMagic + "\xff\xff\xff\xff")); !ok || err == nil {
		t.Error("a length beyond the file is taken")
	}
	if _, ok, _ := unwrap([]byte(textBegin)); ok {
		t.Error("an ordinary key is taken for a sealed one")
	}
}

// What is written for the machine is read again there; where nothing seals, it is an ordinary
// key file, and a sealed one is refused with the reason.
func TestWriteForMachine(t *testing.T) {
	k, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Erase()
	file := filepath.Join(t.TempDir(), "key")
	if err := k.WriteForMachine(file, "device:pc-1"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(file) })
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if sealed := !bytes.Contains(b, []byte("OPENSSH")); sealed != machineSeals || sealed != bytes.HasPrefix(b, []byte(machineMagic)) {
		t.Errorf("sealed: %v", sealed)
	}
	again, _, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Erase()
	if !k.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(again.Public()) {
		t.Error("another key is read")
	}
	other := filepath.Join(t.TempDir(), "other")
	t.Cleanup(func() { os.Remove(other) })
	if err := os.WriteFile(other, wrap([]byte("of another machine")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(other); !errors.Is(err, ErrMachine) {
		t.Errorf("a key of another machine: %v", err)
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add(wrap([]byte("x")))
	f.Add([]byte(machineMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		blob, ok, err := unwrap(b)
		if ok && err == nil && !bytes.HasPrefix(b[len(machineMagic)+4:], blob) {
			t.Error("not what is in it")
		}
	})
}

// TestTryMachine holds where there is DPAPI; elsewhere it says that there is none.
func TestTryMachine(t *testing.T) {
	if err := TryMachine(); machineSeals && err != nil || !machineSeals && !errors.Is(err, ErrMachine) {
		t.Error(err)
	}
}
