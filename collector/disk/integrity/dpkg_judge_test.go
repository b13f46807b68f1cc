package integrity

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
)

// integrityRows runs the whole collector.
func integrityRows(t *testing.T, h *collector.Host, o Options) (*hosttest.Sink, []Row) {
	t.Helper()
	s := &hosttest.Sink{}
	if err := Collector(o).Collect(t.Context(), h, s); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[Row](s.Body("disk/integrity.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return s, rows
}

// judged is what dpkg --verify would print of a row; "" if nothing.
func judged(r Row) string {
	if r.Manager != "dpkg" {
		return ""
	}
	switch r.Kind {
	case "missing":
		return "missing " + string(r.Path)
	case "changed", "conffile_changed":
		return "??5?????? " + string(r.Path)
	}
	return ""
}

// What dpkg --verify says of this machine, this says of it: the same files are missing,
// and the same are changed.
func TestAgreesWithDpkgVerify(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not as root")
	}
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		t.Skip("no dpkg here")
	}
	if testing.Short() {
		t.Skip("long test: reads every file of every package")
	}
	out, _ := exec.Command(dpkg, "--verify").Output() // exit 1 where something differs
	var want, got []string
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		want = append(want, f[0]+" "+line[strings.IndexByte(line, '/'):len(line)-1])
	}
	_, rows := integrityRows(t, collector.ThisHost(), Options{})
	for _, r := range rows {
		if j := judged(r); j != "" {
			got = append(got, j)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	want, got = slices.Compact(want), slices.Compact(got)
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("only dpkg says %q", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("only we say %q", g)
		}
	}
	kinds := map[string]int{}
	for _, r := range rows {
		kinds[r.Kind+" "+r.Level]++
	}
	t.Logf("dpkg and we agree on %d files; rows: %v", len(want), kinds)
}
