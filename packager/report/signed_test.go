package report

import (
	"strings"
	"testing"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/report/model"
)

// signedPage is the page of an archive of which nothing is known but its log.
func signedPage(t *testing.T, v *packager.Report, events ...packager.Event) string {
	t.Helper()
	m := model.New(began)
	m.Finish()
	page := written(t, Case{Model: m, Verified: v, Events: events})
	wellFormed(t, page)
	return string(page)
}

// TestTransfers is of who gave and who got: each in their own column, whoever signed.
func TestTransfers(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	page := signedPage(t, nil,
		packager.Event{Event: "released", Actor: "operator:giver", Counterpart: "lab:getter", Reason: "analysis", Object: packager.EventObject{SHA256: sum, Bytes: 9}, Thing: &packager.EventThing{SealNo: "A-17"},
			Detail: []packager.EventDetail{{Name: "how", Value: "courier"}, {Name: "tracking", Value: "12-34"}}},
		packager.Event{Event: "received", Actor: "lab:getter", Counterpart: "operator:giver", Verdict: "VALID", Object: packager.EventObject{SHA256: sum, Bytes: 9}, Detail: []packager.EventDetail{{Name: "seal", Value: "intact"}}})
	_, page, _ = strings.Cut(page, "引渡者(署名)")
	if n := strings.Count(page, "operator:giver"); n != 2 {
		t.Fatalf("the giver is named %d times", n)
	}
	for _, line := range strings.Split(page, "<tr")[1:3] {
		if from, to := strings.Index(line, "operator:giver"), strings.Index(line, "lab:getter"); from < 0 || to < from {
			t.Errorf("the receiver stands before the giver: %s", line)
		}
	}
	for _, want := range []string{"analysis", "courier", "12-34", "A-17", "intact", "abababababababab…", "VALID"} {
		if !strings.Contains(page, want) {
			t.Errorf("the record of transfers has no %q", want)
		}
	}
}

// TestLogTable is of an event that has no bytes yet, and of one that corrects another.
func TestLogTable(t *testing.T) {
	page := signedPage(t, nil, packager.Event{Event: "started", Seq: 1, Object: packager.EventObject{SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
		packager.Event{Event: "corrected", Seq: 3, Ref: []int{2}, Reason: "room 12", Object: packager.EventObject{SHA256: strings.Repeat("cd", 32), Bytes: 4}})
	if strings.Contains(page, "e3b0c442") {
		t.Error("the hash of nothing stands for the archive")
	}
	for _, want := range []string{"(of No. 2)", "(番号 2 に対して)", "cdcdcdcdcdcdcdcd…"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// TestToldLater is of what people signed after the collection: it stands where the report
// asks for it, and an answer that was put right does not.
func TestToldLater(t *testing.T) {
	detail := func(list ...string) (d []packager.EventDetail) {
		for i := 0; i < len(list); i += 2 {
			d = append(d, packager.EventDetail{Name: list[i], Value: list[i+1]})
		}
		return d
	}
	page := signedPage(t, nil,
		packager.Event{Event: "described", Seq: 1, Actor: "operator:sato", Detail: detail("a1", "case-99", "b1", "Sato Ichiro", "b2", "Mori Hana", "c1", "room 21", "c4", "beacon seen")},
		packager.Event{Event: "corrected", Seq: 2, Ref: []int{1}, Actor: "operator:sato", Detail: detail("c1", "room 12")},
		packager.Event{Event: "isolated", Seq: 3, Actor: "operator:sato", Witness: []string{"Ueda Ken"}})
	first := page[strings.Index(page, `id="s1"`):strings.Index(page, `id="s2"`)]
	people, _, _ := strings.Cut(page[strings.Index(page, `id="s14"`):], "保管記録の 31 項目")
	for _, want := range []string{"Sato Ichiro", "Mori Hana", "Ueda Ken", "room 12", "beacon seen"} {
		if !strings.Contains(first, want) || !strings.Contains(people, want) {
			t.Errorf("%q is not said in both sections", want)
		}
	}
	if strings.Contains(first, "room 21") || !strings.Contains(people, "case-99") {
		t.Error("an answer that was superseded is shown, or the case is not")
	}
}

// TestLacks is of an archive that is unchanged and has less than was wanted: the first box
// says so.
func TestLacks(t *testing.T) {
	m := model.New(began)
	m.Observe(evidence.Record{Item: evidence.Item{Path: "a"}, Outcome: evidence.Failed, Shortfall: true, Began: began, Ended: began})
	m.Finish()
	v := &packager.Report{Verdict: packager.Valid, Gaps: []packager.Gap{{Seq: 7, Event: "released", Grade: packager.GradeGap, Text: "nobody received it"}, {Grade: packager.GradeNote, Text: "a mere note"}}}
	b := written(t, Case{Model: m, Verified: v, Events: []packager.Event{{Event: "released", Seq: 7}}})
	wellFormed(t, b)
	_, box, _ := strings.Cut(string(b), `class="band good"`)
	box, _, _ = strings.Cut(box, `class="tiles"`)
	for _, want := range []string{"封印済み・改変なし", `href="#s3"`, `href="#s2"`, "But short of the plan: 1 items", "But gaps in the custody record: 1 "} {
		if !strings.Contains(box, want) {
			t.Errorf("the first box has no %q: %s", want, box)
		}
	}
	if page := signedPage(t, &packager.Report{Verdict: packager.Valid, Sealed: true, Axes: packager.Axes{Signer: "trusted"}}); strings.Contains(page, "But short of") || strings.Contains(page, "But gaps in") {
		t.Error("of an archive that lacks nothing, something is said to lack")
	}
}
