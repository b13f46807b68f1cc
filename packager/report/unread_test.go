package report

import (
	"strings"
	"testing"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/report/model"
)

// madeUp is what a report of an archive that nobody could read must not say.
func madeUp() []string {
	return []string{"<b>0</b>", "0 members", "0 件、0 bytes", "by device:, ", `class="box on"`, "Packets were not captured", "パケットは記録していないか", "(not named)", "(記載なし)",
		"0</dd>", "this was not looked at", "この収集では調べていません", "machine&#39;s own clock", "machine's own clock</span><span class=\"ja\" lang=\"ja\">対象端末自身の時計", ">not encrypted<", "all that was planned was taken"}
}

// TestUnread is of archives of which no statement could be read: what is not known is said
// to be not known, and of one that is encrypted, what its log tells is told.
func TestUnread(t *testing.T) {
	junk := &packager.Report{Verdict: packager.NotEvidence, Axes: packager.Axes{Time: "by the host's own clock", Confidentiality: "not encrypted", Signer: "none"}}
	page := signedPage(t, junk)
	for _, bad := range madeUp() {
		if strings.Contains(page, bad) {
			t.Errorf("of bytes that are no archive the page says %q", bad)
		}
	}
	for _, want := range []string{"items taken: not known", "取得した項目: 不明", "short of the plan: not known", "Who took it, when and from which machine is not known", "誰が、いつ、どの端末から収集したかは分かりません", "Not preserved: this file cannot be relied on", "保全できていません: このファイルには依拠できません"} {
		if !strings.Contains(page, want) {
			t.Errorf("of bytes that are no archive the page does not say %q", want)
		}
	}

	events := []packager.Event{{Event: "started", Seq: 1, Actor: "device:pc-42", Time: packager.EventTime{Wall: "2026-11-21T09:00:00Z"}}, {Event: "sealed", Seq: 2, Actor: "device:pc-42", Time: packager.EventTime{Wall: "2026-11-21T09:05:00Z"}}}
	outer := &packager.Report{Verdict: packager.ValidOuter, Encrypted: true, Sealed: true, Checkpoint: 3, Device: "pc-42", Axes: packager.Axes{Signer: "trusted", Confidentiality: "encrypted, contents not seen"}}
	m := model.New(began)
	m.Finish()
	g := packager.Genesis{Case: "2026-017", Operator: "Sato", Host: packager.HostID{Name: "pc-42"}, Time: packager.Stamp{Wall: "2026-11-21T09:00:00Z"}}
	page = string(written(t, Case{Model: m, Verified: outer, Genesis: g, Events: events}))
	for _, bad := range madeUp() {
		if strings.Contains(page, bad) && bad != `class="box on"` {
			t.Errorf("of contents that nobody saw the page says %q", bad)
		}
	}
	for _, want := range []string{"as its custody log says; the contents were not seen", "保管記録による。内容は見ていません", "2026-017", "items taken: not known", "2026-11-21 09:05:00 UTC", "whether a disk locks is not known"} {
		if !strings.Contains(page, want) {
			t.Errorf("of contents that nobody saw the page does not say %q", want)
		}
	}
}

// TestPreserved is of when evidence is taken: only where it is whole and can be relied on.
func TestPreserved(t *testing.T) {
	for _, c := range []struct {
		name   string
		v      *packager.Report
		ticked bool
	}{
		{"before the seal", nil, true},
		{"valid", &packager.Report{Verdict: packager.Valid, Sealed: true, Axes: packager.Axes{Signer: "trusted"}}, true},
		{"a stranger in the log", &packager.Report{Verdict: packager.UntrustedSigner, Sealed: true, Axes: packager.Axes{Signer: "trusted by fingerprint"}}, true},
		{"encrypted, sealed by its log", &packager.Report{Verdict: packager.ValidOuter, Sealed: true, Axes: packager.Axes{Signer: "trusted"}}, true},
		{"an unknown device", &packager.Report{Verdict: packager.UntrustedSigner, Sealed: true, Axes: packager.Axes{Signer: "untrusted"}}, false},
		{"cut", &packager.Report{Verdict: packager.ValidPartial, Axes: packager.Axes{Signer: "trusted"}}, false},
		{"changed", &packager.Report{Verdict: packager.Invalid, Sealed: true, Axes: packager.Axes{Signer: "trusted"}}, false},
		{"nothing", &packager.Report{Verdict: packager.NotEvidence, Axes: packager.Axes{Signer: "none"}}, false},
	} {
		if c.v != nil && c.v.Verdict != packager.NotEvidence && c.v.Verdict != packager.ValidOuter {
			c.v.Genesis = &packager.Genesis{}
		}
		if ticked := strings.Contains(signedPage(t, c.v), `class="box on"`); ticked != c.ticked {
			t.Errorf("%s: that evidence is preserved is ticked: %v", c.name, ticked)
		}
	}
}

// TestAuthenticPart is of an archive that was cut: its figures are those of a part.
func TestAuthenticPart(t *testing.T) {
	m := model.New(began)
	m.Observe(evidence.Record{Item: evidence.Item{Path: "a"}, Outcome: evidence.Collected, Began: began, Ended: began})
	m.Finish()
	page := string(written(t, Case{Model: m, Verified: &packager.Report{Verdict: packager.ValidPartial, Genesis: &packager.Genesis{}}}))
	for _, want := range []string{"items taken, in the authentic part", "取得した項目(真正な部分)", "What came after the authentic part is not known", "真正な部分より後は分かりません"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "all that was planned was taken") {
		t.Error("of a part, all is said to have been taken")
	}
}
