package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/packager"
)

// What was escaped when it was signed is shown as it was signed.
func TestReportEscapesOnce(t *testing.T) {
	var b bytes.Buffer
	a := &app{}
	r := &packager.Report{Verdict: packager.Valid, Genesis: &packager.Genesis{Operator: plain("A\x1b[2J"), Place: `C:\lab`, Reason: "hostile\x1b[2J"}}
	a.printReport(&b, "file", "", verified{Report: r, Outcomes: map[string]int64{}})
	if !strings.Contains(b.String(), `A\x1b[2J, C:\lab`) || !strings.Contains(b.String(), `hostile\x1b[2J`) || strings.Contains(b.String(), "\x1b") {
		t.Errorf("%s", b.String())
	}
}

func TestItemsText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 items", 1: "1 item", 2: "2 items", 1234: "1,234 items"} {
		if got := (&app{}).itemsText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// A disk on which nothing at all can be written is not left with empty files.
func TestNothingWrittenLeavesNothing(t *testing.T) {
	for n := 1; n <= 3; n++ {
		dir := t.TempDir()
		code, stderr := faultyRun(t, emptyHost(t), dir, &brokenDisk{n: n, how: refuses})
		if code != exitNotSealed {
			t.Errorf("call %d: exit code %d\n%s", n, code, stderr)
		}
		left, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range left {
			if st, err := os.Stat(f); err != nil || st.Size() == 0 {
				t.Errorf("call %d: %s is left, empty: %v", n, filepath.Base(f), err)
			}
		}
	}
}

func TestFreeSpaceIsSaidWhenThereIsNone(t *testing.T) {
	a := &app{}
	if text := a.outputText(outputPlace{Dir: "/media", roomKnown: true}); !strings.Contains(text, "0 B") {
		t.Errorf("%q", text)
	}
	if text := a.outputText(outputPlace{Dir: "/media"}); strings.Contains(text, "0 B") {
		t.Errorf("not known, but said: %q", text)
	}
}

// One cause that left out thousands must not hide the others.
func TestOfEachCause(t *testing.T) {
	var all []shortfall
	for i := range 5000 {
		all = append(all, shortfall{Collector: "disk", Outcome: "skipped", Note: fmt.Sprintf("budget: of %d bytes less than %d are left", 4096+i, i)})
	}
	all = append(all, shortfall{Collector: "disk", Outcome: "partial", Note: "1 denied (first: /x)"}, shortfall{Collector: "network", Outcome: "skipped", Note: "budget: 1"})
	shown := ofEachCause(all)
	if len(shown) != shownOfCause+2 || shown[3].Note != "1 denied (first: /x)" || shown[4].Collector != "network" {
		t.Errorf("%+v", shown)
	}
}
