package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/packager"
	"hozen/packager/cipher"
	"hozen/packager/text/texttest"
)

// TestFilesOfWindows: public keys, identities and trust as Windows' editors and shells
// write them, in folders whose names have spaces.
func TestFilesOfWindows(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0Rm648NvbM0Br/UUUswgohMx1FQr8y0uMkI6S+Xr/p"
	a := newApp([]string{"hozen"})
	identity, _, err := cipher.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string) string {
		file := filepath.Join(t.TempDir(), "鍵 of sato.pub")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for form, text := range texttest.Forms(key + " operator:sato\n") {
		if pub, err := readPublic(put(text)); err != nil || pub.comment != "operator:sato" {
			t.Errorf("%s: %+v %v", form, pub, err)
		}
	}
	for form, text := range texttest.Forms("# public key\n" + identity + "\n") {
		if ids, err := a.identityFile(put(text)); err != nil || len(ids) != 1 {
			t.Errorf("%s: identity: %v", form, err)
		}
	}
	for form, text := range texttest.Forms("operator:sato " + key + "\n") {
		file := put(text)
		err := appendLine(file, "hub:h "+key+"\n")
		if strings.HasPrefix(form, "UTF-16") {
			if err == nil {
				t.Errorf("%s: bytes of UTF-8 were added to it", form)
			}
			continue
		}
		b, readErr := os.ReadFile(file)
		if err != nil || readErr != nil || !strings.HasPrefix(string(b), text) {
			t.Fatalf("%s: %v %v: %q", form, err, readErr, b)
		}
		trust, err := packager.ParseTrust(strings.NewReader(string(b)))
		if err != nil || trust == nil {
			t.Errorf("%s: %v", form, err)
		}
	}
	if pub, err := readPublic(key); err != nil || pub.comment != "" {
		t.Errorf("a line: %+v %v", pub, err)
	}
	if _, err := readPublic(put("") + " too"); !os.IsNotExist(err) {
		t.Errorf("no file with a space in its name: %v", err)
	}
}
