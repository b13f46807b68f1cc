package report

import (
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/report/model"
)

// TestMayItBeSwitchedOff: the first screen answers it by what was taken, and never says yes
// to what it does not know.
func TestMayItBeSwitchedOff(t *testing.T) {
	const never = "このアーカイブには依拠できません"
	const yes, wait, no = "電源を切ってもかまいません", "電源を切る前に: 失われる情報のうち", "電源を切らないこと: この収集は途中で"
	sealed := &packager.Report{Verdict: packager.Valid, Seal: &packager.Seal{Status: "complete"}}
	plan := func(live, skip string) string {
		return `{"schema":"hozen/plan/1","live":` + live + `,"steps":[{"collector":"sockets","volatile":true},{"collector":"processes","volatile":true,"skip":"` + skip + `"},{"collector":"ram","volatile":true,"skip":"only with --ram"},{"collector":"disk"}]}`
	}
	for name, c := range map[string]struct {
		plan     string
		outcome  evidence.Outcome
		verified *packager.Report
		want     string
	}{
		"all was taken":   {plan("true", "only with --processes"), evidence.Collected, sealed, yes},
		"one left out":    {plan("true", "not in --only"), evidence.Collected, sealed, wait + "*processes"},
		"one denied":      {plan("true", "only with --processes"), evidence.Denied, sealed, wait + "*sockets"},
		"cut":             {plan("true", "only with --processes"), evidence.Collected, &packager.Report{Verdict: packager.ValidPartial}, no},
		"changed":         {plan("true", "only with --processes"), evidence.Collected, &packager.Report{Verdict: packager.Invalid, Seal: sealed.Seal}, never},
		"a disk image":    {plan("false", "only with --processes"), evidence.Collected, sealed, ""},
		"without a plan":  {"", evidence.Collected, sealed, ""},
		"before the seal": {plan("true", "only with --processes"), evidence.Collected, nil, ""},
	} {
		m := model.New(began)
		if c.plan != "" {
			m.Give("plan.json", []byte(c.plan))
		}
		m.Observe(evidence.Record{Item: evidence.Item{Path: "volatile/sockets.jsonl", Collector: "sockets"}, Outcome: c.outcome, Shortfall: c.outcome == evidence.Denied, Began: began, Ended: began.Add(time.Second)})
		m.Finish()
		page := string(written(t, Case{Model: m, Verified: c.verified}))
		for _, text := range []string{yes, wait, no, never} {
			want, named, _ := strings.Cut(c.want, "*")
			if at := strings.Index(page, text); (at >= 0) != (text == want) || at >= 0 && !strings.Contains(page[at:at+600], named) {
				t.Errorf("%s: %q in the page: %v", name, text, at >= 0)
			}
		}
	}
}

// TestTheVerificationSpeaksBothLanguages: what packager found is shown in both.
func TestTheVerificationSpeaksBothLanguages(t *testing.T) {
	m := model.New(began)
	m.Finish()
	page := string(written(t, Case{Model: m, Verified: &packager.Report{Verdict: packager.Invalid,
		Findings: []string{"the custody log is empty"}, Notes: []string{"12 zero bytes follow the archive"},
		Axes: packager.Axes{Custody: "9 events, 1 gap"}}}))
	for _, want := range []string{"保管記録が空です", "the custody log is empty", "0 のバイトが 12 個", "記録 9 件、空白 1 件"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}
