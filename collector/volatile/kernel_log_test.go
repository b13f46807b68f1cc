package volatile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hozen/collector/jsonl"
)

func TestParseLog(t *testing.T) {
	const raw = "6,339,5140900,-;NET: Registered PF_INET6 protocol family\n" +
		"30,340,5690716,c,caller=T1;udevd[80]: a\\x0ab\\x5c\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n" +
		"broken\n" +
		"<4>[   12.345678] from syslog\n<6>no time here\n"
	rows, bad, err := parseLog([]byte(raw))
	want := []LogRow{
		{Kind: "log", Level: 6, Sequence: 339, TimeUS: 5140900, Text: "NET: Registered PF_INET6 protocol family"},
		{
			Kind: "log", Level: 6, Facility: 3, Sequence: 340, TimeUS: 5690716, Flag: "c", Caller: "T1", Text: "udevd[80]: a\nb\\",
			Fields: []jsonl.Text{"SUBSYSTEM=acpi", "DEVICE=+acpi:PNP0A03:00"},
		},
		{Kind: "log", Level: 4, TimeUS: 12345678, Text: "from syslog"},
		{Kind: "log", Level: 6, Text: "no time here"},
	}
	if d := cmp.Diff(want, rows); d != "" || bad != 1 || err == nil {
		t.Errorf("%d bad, %v, %s", bad, err, d)
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add([]byte("6,1,2,-;text\n K=v\n"))
	f.Add([]byte("<6>[    1.000000] x\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got := strings.Join(splitKmsg(raw), ""); got != string(raw) {
			t.Fatalf("records %q of %q", got, raw)
		}
		rows, bad, err := parseLog(raw)
		if (bad > 0) != (err != nil) {
			t.Errorf("%d bad, error %v", bad, err)
		}
		for _, r := range rows {
			if r.Level < 0 || r.Level > 7 || r.Facility < 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}
