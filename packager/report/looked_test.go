package report

import (
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/report/model"
)

// reassured is what may be said only of what somebody looked at.
func reassured() []string {
	return []string{"nothing that locks was seen", "ロックされるディスクは未検出", "No open connection to another machine", "接続は開いていなかったか", "Of 0 files", "<b>0</b><span><span class=\"en\" lang=\"en\">processes"}
}

// looked is the page of a collection with these tables.
func lookedPage(t *testing.T, v *packager.Report, give map[string]evidence.Outcome, tables map[string]string) string {
	m := model.New(began)
	for item, b := range tables {
		m.Give(item, []byte(b))
	}
	for item, o := range give {
		m.Observe(evidence.Record{Item: evidence.Item{Path: item}, Outcome: o, Began: began, Ended: began.Add(time.Second)})
	}
	m.Finish()
	return string(written(t, Case{Model: m, Verified: v, Events: []packager.Event{{Event: "isolated", Time: packager.EventTime{Wall: "2026-11-21T09:00:00Z"}}}}))
}

// TestNothingLookedAt is of a collection that took neither processes nor sockets nor disks:
// no word of it may sound as if there were none.
func TestNothingLookedAt(t *testing.T) {
	session := map[string]string{"volatile/sessions.jsonl": `{"kind":"wtmp","user":"a","time":"2026-11-21T08:00:00Z"}` + "\n"}
	denied := map[string]evidence.Outcome{"volatile/processes.jsonl": evidence.Denied, "volatile/sockets.jsonl": evidence.Denied, "disk/timeline.jsonl": evidence.Skipped, "volatile/kernel/block.jsonl": evidence.Failed, "memory/indicators.jsonl": evidence.Denied}
	for name, give := range map[string]map[string]evidence.Outcome{"nobody tried": nil, "refused": denied} {
		page := lookedPage(t, nil, give, session)
		for _, bad := range reassured() {
			if strings.Contains(page, bad) {
				t.Errorf("%s: the page says %q", name, bad)
			}
		}
		for _, want := range []string{"processes: not taken", "プロセス: 取得していません", "sockets with public addresses: not taken", "files changed in the last 14 days: not taken", "indicators: high / medium / low: not taken",
			"this was not looked at (section 13)", "この収集では調べていません(第 13 章)"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page has no %q", name, want)
			}
		}
		left := page[strings.Index(page, `id="s9"`):strings.Index(page, `id="s10"`)]
		if !strings.Contains(left, "volatile/sockets.jsonl") {
			t.Errorf("%s: section 9 does not say that the sockets are missing", name)
		}
	}
	if page := lookedPage(t, &packager.Report{Verdict: packager.ValidPartial}, nil, nil); !strings.Contains(page, "processes: not known") || strings.Contains(page, "nothing that locks was seen") {
		t.Error("of an archive that was cut, what is behind the cut is said to be known")
	}
}

// TestLookedAt is of the same places where somebody looked, wholly or in part.
func TestLookedAt(t *testing.T) {
	whole := map[string]evidence.Outcome{"volatile/processes.jsonl": evidence.Collected, "volatile/sockets.jsonl": evidence.Collected, "disk/timeline.jsonl": evidence.Collected, "volatile/kernel/block.jsonl": evidence.Collected}
	page := lookedPage(t, nil, whole, nil)
	for _, want := range []string{"nothing that locks was seen", "No open connection to another machine", "<b>0</b>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	whole["volatile/kernel/block.jsonl"] = evidence.Partial
	page = lookedPage(t, nil, whole, map[string]string{"volatile/kernel/block.jsonl": `{"kind":"disk","name":"sda","size":1}` + "\n"})
	if !strings.Contains(page, "the list is not whole (section 13)") || strings.Contains(page, "nothing that locks was seen") {
		t.Error("a list of disks that is not whole is taken for one that is")
	}
}

// TestDeadDisk is of a folder or image, of which older archives have the tables of a running
// system empty, and newer ones skipped: neither says that there was none.
func TestDeadDisk(t *testing.T) {
	plan := map[string]string{"plan.json": `{"schema":"hozen/plan/1","live":false,"steps":[{"collector":"sockets","volatile":true}]}`}
	for _, o := range []evidence.Outcome{evidence.Collected, evidence.Skipped, evidence.Absent} {
		page := lookedPage(t, nil, map[string]evidence.Outcome{"volatile/processes.jsonl": o, "volatile/sockets.jsonl": o, "volatile/kernel/block.jsonl": o, "volatile/sessions.jsonl": o}, plan)
		for _, bad := range append(reassured(), "No socket over IP was open", "IP のソケットは開かれていませんでした", "No disk was listed", "ディスクの一覧は空でした", "Nobody was or had been logged in", "ログオンした者はいません", "<b>0</b><span><span class=\"en\" lang=\"en\">sockets") {
			if strings.Contains(page, bad) {
				t.Errorf("%s: the page says %q", o, bad)
			}
		}
		for _, want := range []string{"sockets with public addresses: not taken", "外部アドレスとの通信: 取得していません"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page does not say %q", o, want)
			}
		}
	}
}
