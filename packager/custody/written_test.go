package custody

import (
	"errors"
	"strings"
	"testing"

	"hozen/packager/text/texttest"
)

// TestFormsOfWindows: what was filled in with Notepad, or printed into a file by PowerShell.
func TestFormsOfWindows(t *testing.T) {
	for form, file := range texttest.Forms("# 調査責任者\nA4: 松本\nC4: |\n  two\n  lines 😀\n") {
		a, err := ParseAnswers(strings.NewReader(file))
		if err != nil || a["A4"] != "松本" || a["C4"] != "two\nlines 😀" || len(a) != 2 {
			t.Errorf("%s: %q %v", form, a, err)
		}
	}
	if a, err := ParseAnswers(strings.NewReader("A4: \x8f\xbc\x96\x7b\n")); !errors.Is(err, ErrNotUTF8) {
		t.Errorf("code page 932: %q %v", a, err)
	}
}
