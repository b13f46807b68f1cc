package keys

import (
	"os"
	"testing"

	"hozen/packager/text/texttest"
)

// TestFilesOfWindows: keys that went through an editor or a shell of Windows.
func TestFilesOfWindows(t *testing.T) {
	file := saved(t, privateKeys(t)["ed25519"], "operator:sato", "")
	forms := map[string]map[string]string{}
	for _, name := range []string{file, file + ".pub"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		forms[name] = texttest.Forms(string(b))
	}
	for form := range forms[file] {
		for name := range forms {
			write(t, name, []byte(forms[name][form]))
		}
		k, err := Open(file, Options{})
		if err != nil || k.Comment != "operator:sato" {
			t.Errorf("%s: %+v %v", form, k, err)
			continue
		}
		good(t, k)
	}
}
