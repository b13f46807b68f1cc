package service

import (
	"os"
	"strings"
	"testing"

	"hozen/service/isolate"
)

// A change of the isolation is heard at the hub at once, and the rules that the line of the
// audit log has no room for lie beside it.
func TestNoteChange(t *testing.T) {
	b := newBench(t)
	b.open()
	defer b.close()
	c := isolate.Change{Event: isolate.Isolated, Case: "42", Verified: true, After: isolate.Rules{SHA256: strings.Repeat("0", 64), Text: "table inet hozen {}\n"}}
	if err := b.NoteChange(c); err != nil {
		t.Fatal(err)
	}
	if n := b.hub.announced.Load(); n != 1 {
		t.Errorf("announced %d times", n)
	}
	if got, err := os.ReadFile(b.in(c.After.File())); err != nil || string(got) != c.After.Text {
		t.Errorf("the rules: %q, %v", got, err)
	}
}
