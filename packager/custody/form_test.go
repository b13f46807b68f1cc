package custody

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/signed"
)

const testID = "pc-42-20261121t090000z-3fa9c1"

// collection is a sealed collection in a folder, and a signer.
func collection(t testing.TB) (dir string, by signed.Signer) {
	t.Helper()
	dir = t.TempDir()
	d, err := packager.NewDevice("pc-42", nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := packager.Create(packager.Options{
		Disk: packager.Dir(dir), ID: testID, Device: d, Now: time.Now,
		Genesis: packager.Genesis{Tool: "hozen/test", Case: "2026-017", Host: packager.HostID{Name: "pc-42", OS: "Debian 12", Make: "ACME"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Seal(""); err != nil {
		t.Fatal(err)
	}
	if by, err = signed.By(d.Signer); err != nil {
		t.Fatal(err)
	}
	return dir, by
}

func logIn(t testing.TB, dir string) []packager.Event {
	t.Helper()
	b, err := packager.ReadLogFile(filepath.Join(dir, packager.LogName(testID)))
	if err != nil {
		t.Fatal(err)
	}
	events, _, err := packager.ReadLog(b)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func field(t *testing.T, form []Field, id string) Field {
	t.Helper()
	i := slices.IndexFunc(form, func(f Field) bool { return f.ID == id })
	if i < 0 {
		t.Fatalf("no field %s", id)
	}
	return form[i]
}

// fill signs answers into the log.
func fill(t *testing.T, dir string, by signed.Signer, yaml string) {
	t.Helper()
	a, err := ParseAnswers(strings.NewReader(yaml))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range a.Events(Form(nil, logIn(t, dir)), "again") {
		e.Actor = "operator:sato"
		if _, _, err := Append(filepath.Join(dir, packager.LogName(testID)), testID, by, e, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFormIsFilledAndFilledAnew(t *testing.T) {
	dir, by := collection(t)
	if n := len(Form(nil, nil)); n != 31 {
		t.Fatalf("%d fields", n)
	}
	fill(t, dir, by, "A3: contract 9\nA4: 松本\nC4: ''\n")
	fill(t, dir, by, "A3: contract 9\nA4: 佐藤\nB3: trained\n")
	fill(t, dir, by, "A4: 佐藤\n")
	events := logIn(t, dir)
	var names []string
	for _, e := range events[len(events)-3:] {
		names = append(names, fmt.Sprint(e.Event, e.Ref))
	}
	n := len(events)
	if want := []string{"described[]", "described[]", fmt.Sprintf("corrected[%d]", n-2)}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	form := Form(nil, events)
	if f := field(t, form, "A4"); len(f.Answers) != 2 || f.Answers[0].Superseded != n || f.Answers[1].Text != "佐藤" || f.Open || f.Answers[1].From != "operator:sato" {
		t.Errorf("%+v", f)
	}
	if f := field(t, form, "C4"); !f.Open {
		t.Errorf("%+v", f)
	}
	if gaps := packager.Gaps(events); len(gaps) > 0 {
		t.Errorf("%+v", gaps)
	}
}

// TestLongAnswers: all fields at their longest fit into the log.
func TestLongAnswers(t *testing.T) {
	dir, by := collection(t)
	var yaml strings.Builder
	for _, f := range fields() {
		fmt.Fprintf(&yaml, "%s: %q\n", f.ID, strings.Repeat("<", MaxAnswer))
	}
	fill(t, dir, by, yaml.String())
	for _, f := range Form(nil, logIn(t, dir)) {
		if a := f.Answers; len(a) == 0 || len(a[len(a)-1].Text) != MaxAnswer {
			t.Errorf("%s: %d answers", f.ID, len(a))
		}
	}
}

func TestFormOfEvents(t *testing.T) {
	dir, by := collection(t)
	now := time.Now()
	tell := func(e packager.Event) packager.Event {
		t.Helper()
		e.Actor = "operator:sato"
		e, _, err := Append(filepath.Join(dir, packager.LogName(testID)), testID, by, e, now)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	detail := func(list ...string) (d []packager.EventDetail) {
		for i := 0; i < len(list); i += 2 {
			d = append(d, packager.EventDetail{Name: list[i], Value: list[i+1]})
		}
		return d
	}
	tell(packager.Event{Event: "stored", Place: "safe 3", Thing: &packager.EventThing{SealNo: "A-17", PowerState: "on", Asset: "PC-0042"}})
	tell(packager.Event{Event: "opened", Reason: "triage"})
	r := tell(packager.Event{Event: "released", Counterpart: "lab:acme", Reason: "analysis", Detail: detail("how", "courier", "tracking", "12-34")})
	if open := OpenReleases(logIn(t, dir)); len(open) != 1 || open[0].Seq != r.Seq {
		t.Errorf("open: %+v", open)
	}
	tell(packager.Event{Event: "received", Counterpart: "operator:sato", Verdict: "VALID", Ref: []int{r.Seq}, Detail: detail("seal", "intact")})
	tell(packager.Event{Event: "copied", Place: "share", Reason: "work", Detail: detail("copy", "working"), Changes: "atime"})
	tell(packager.Event{Event: "released", Counterpart: "owner", Reason: "end", Detail: detail("how", "by hand", "return", "yes")})
	form := Form(nil, logIn(t, dir))
	for id, want := range map[string]string{"H1": "safe 3, seal no. A-17", "D4": "on", "D1": "PC-0042", "H3": "opened, triage", "G2": "working, share",
		"H4": "returned to owner", "E5": "atime", "E3": "hozen/test"} {
		if f := field(t, form, id); f.Open || !slices.ContainsFunc(f.Answers, func(a Answer) bool {
			dated := !strings.Contains("H1 H3 H4 G2", id) || strings.HasPrefix(a.Text, seconds(a.Time))
			return strings.HasSuffix(a.Text, want) && dated
		}) {
			t.Errorf("%s: %+v, want %q, with the time of it in H and G2", id, f.Answers, want)
		}
	}
	if f := field(t, form, "H2"); len(f.Answers) != 3 || !strings.Contains(f.Answers[0].Text, "Z (UTC; ") || !strings.Contains(f.Answers[0].Text, "operator:sato → lab:acme, analysis, courier, 12-34") {
		t.Errorf("H2: %+v", f.Answers)
	}
	if o, known := Stored(logIn(t, dir)); !known || o.Name != packager.ArchiveName(testID) {
		t.Errorf("stored: %+v", o)
	}
}

// TestAppendRefuses: what does not say enough, or refers to what is not there.
func TestAppendRefuses(t *testing.T) {
	dir, by := collection(t)
	before := len(logIn(t, dir))
	for _, e := range []packager.Event{
		{Event: "sealed", Actor: "operator:sato"},
		{Event: "juggled", Actor: "operator:sato"},
		{Event: "stored", Actor: "operator:sato"},
		{Event: "stored", Place: "x", Actor: "sato"},
		{Event: "stored", Place: "x", Actor: "operator:"},
		{Event: "stored", Place: "x", Actor: "king:sato"},
		{Event: "corrected", Reason: "x", Actor: "operator:sato", Ref: []int{99}},
		{Event: "corrected", Reason: "x", Actor: "operator:sato", Ref: []int{1, 1}},
		{Event: "corrected", Reason: "x", Actor: "operator:sato", Ref: []int{0}},
		{Event: "checked_in", Place: "x", Actor: "operator:sato", Ref: []int{1}},
	} {
		if _, _, err := Append(filepath.Join(dir, packager.LogName(testID)), testID, by, e, time.Now()); err == nil {
			t.Errorf("%+v: taken", e)
		}
	}
	if _, _, err := Append(filepath.Join(dir, packager.LogName(testID)), testID, by, packager.Event{Event: "stored", Actor: "operator:sato"}, time.Now()); !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	if n := len(logIn(t, dir)); n != before {
		t.Errorf("%d events, were %d", n, before)
	}
	if err := os.WriteFile(filepath.Join(dir, packager.LogName(testID)), []byte("garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Append(filepath.Join(dir, packager.LogName(testID)), testID, by, packager.Event{Event: "stored", Place: "x", Actor: "operator:sato"}, time.Now()); err == nil {
		t.Error("a damaged log was continued")
	}
}

func TestAnswersAreStrict(t *testing.T) {
	for text, want := range map[string]string{
		"Z9: x\n":              `line 1: "Z9": no such field`,
		"a1: x\n":              "no such field",
		"A1: x\nA1: y\n":       "twice",
		"A1: 5\n":              "line 1: field A1: want text",
		"A1: true\n":           "want text",
		"A1: [x]\n":            "want text",
		"A1: x\nB1:\n  b: c\n": "line 3: field B1: want text",
		"A1: 2026-11-22\n":     "want text",
		"- A1\n":               "want FIELD: text",
		"A1: x\n---\nA2: y\n":  "more than one",
		"A1: &a x\nA2: *a\n":   "want text",
		"\xff":                 "not UTF-8",
		"A1: \"x":              "form: yaml",
		"A1: " + strings.Repeat("x", MaxAnswer+1): "at most",
		strings.Repeat("# x\n", MaxForm):          "over",
	} {
		if a, err := ParseAnswers(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v %v, want %q", text, a, err, want)
		}
	}
	for _, empty := range []string{"", "# nothing\n", "A1:\n", "A1: ''\n", "A1: ~\n"} {
		if a, err := ParseAnswers(strings.NewReader(empty)); err != nil || len(a) > 0 {
			t.Errorf("%q: %v %v", empty, a, err)
		}
	}
}

// TestTemplate: what it writes can be read, whatever stands in the archive.
func TestTemplate(t *testing.T) {
	hostile := "x\nA1: planted\r\u2028A2: planted\u0085A3: planted\x00"
	form := Form(nil, nil, Fact{"C1", hostile, hostile, hostile})
	for _, lang := range []string{"en", "ja"} {
		var b bytes.Buffer
		if err := Template(&b, form, lang); err != nil {
			t.Fatal(err)
		}
		a, err := ParseAnswers(&b)
		if err != nil || len(a) > 0 {
			t.Errorf("%s: %v %v", lang, a, err)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte("A1: x\nH4: |\n  two\n  lines\n"))
	f.Add([]byte("A1: &a x\nA2: *a\n"))
	f.Add([]byte("{A1: \"\\x00\", B1: ''}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAnswers(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, e := range a.Events(Form(nil, nil), "r") {
			if e.Event != "described" || len(e.Detail) == 0 {
				t.Errorf("%+v", e)
			}
		}
	})
}

func FuzzForm(f *testing.F) {
	dir, _ := collection(f)
	b, err := packager.ReadLogFile(filepath.Join(dir, packager.LogName(testID)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, []byte(`{"kind":"block","name":"sda","size":9,"model":"x"}`))
	f.Fuzz(func(t *testing.T, log, table []byte) {
		events, _, _ := packager.ReadLog(log)
		var g Gatherer
		for _, path := range []string{"data/plan.json", "data/volatile/host.jsonl", "data/volatile/kernel/block.jsonl", "data/volatile/host/clock-end.jsonl"} {
			if !g.Want(path) {
				t.Errorf("%s is not wanted", path)
			}
			if err := g.Bytes(path, table); err != nil {
				t.Error(err)
			}
		}
		var out bytes.Buffer
		if err := Template(&out, Form(nil, events, g.Facts()...), "ja"); err != nil {
			t.Error(err)
		}
		if a, err := ParseAnswers(&out); err == nil && len(a) > 0 {
			t.Errorf("a template is filled: %v", a)
		}
	})
}

// TestCoSigned is of the operator who signed the seal beside the device: field F3 names him.
func TestCoSigned(t *testing.T) {
	rep := &packager.Report{Genesis: &packager.Genesis{Tool: "hozen/test", Operator: "sato"}, Head: "aa", Fingerprint: "SHA256:cc", CoSignatures: []packager.CoSignature{
		{Principal: "operator:sato", Fingerprint: "SHA256:aa", Trusted: true}, {Principal: "operator:mori", Fingerprint: "SHA256:bb"}, {Principal: "witness:of-the-log", Event: 4, Trusted: true}}}
	for _, f := range Form(rep, nil) {
		if f.ID != "F3" {
			continue
		}
		if len(f.Answers) != 3 || f.Answers[1].Text != "seal co-signed (SSHSIG) by operator:sato, SHA256:aa" || !strings.Contains(f.Answers[2].Text, "operator:mori, SHA256:bb (key not trusted here)") || !strings.Contains(f.Answers[2].JA, "未確認") {
			t.Errorf("F3: %+v", f.Answers)
		}
	}
}
