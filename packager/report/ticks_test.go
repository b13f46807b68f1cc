package report

import (
	"strings"
	"testing"

	"hozen/packager"
)

// firstSteps is section 1 of an archive with these events, numbered from 1, of which those in
// strange are signed by somebody who is not trusted here.
func firstSteps(t *testing.T, v packager.Report, strange []int, events ...packager.Event) string {
	t.Helper()
	for i := range events {
		events[i].Seq = i + 1
		if events[i].Time.Wall == "" {
			events[i].Time.Wall = "2026-11-21T10:00:00Z"
		}
		known := true
		for _, n := range strange {
			known = known && n != i+1
		}
		if known {
			v.Believed = append(v.Believed, i+1)
		}
	}
	page := signedPage(t, &v, events...)
	return page[strings.Index(page, `id="s1"`):strings.Index(page, `id="s2"`)]
}

// TestTicks is of what the log shows as done: only what somebody who is trusted here signed,
// who did not take it back, and what is so.
func TestTicks(t *testing.T) {
	type events = []packager.Event
	sum, other := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	bytes := func(sum string) packager.EventObject { return packager.EventObject{SHA256: sum, Bytes: 9} }
	sealed := packager.Event{Event: "sealed", Actor: "device:pc-42", Object: bytes(sum)}
	given := packager.Event{Event: "released", Actor: "operator:sato", Counterpart: "lab:acme"}
	got := packager.Event{Event: "received", Actor: "lab:acme", Counterpart: "operator:sato", Ref: []int{1}, Verdict: "VALID"}
	wrong := got
	wrong.Actor = "lab:other"
	named := given
	named.Counterpart = "ACME laboratory"
	sent := packager.Event{Event: "released", Actor: "device:pc-42", Detail: []packager.EventDetail{{Name: "to", Value: "away"}, {Name: "sha256", Value: sum}, {Name: "proof", Value: "read back"}}}
	early := got
	early.Ref = nil
	valid := packager.Report{Verdict: packager.Valid, Sealed: true, Device: "pc-42", Axes: packager.Axes{Signer: "trusted", Anchors: []string{"key fingerprint given by hand", "head hash given by hand"}}}
	unknown := packager.Report{Verdict: packager.UntrustedSigner, Sealed: true, Device: "pc-42", Axes: packager.Axes{Signer: "untrusted"}}
	gap := valid
	gap.Gaps = []packager.Gap{{Seq: 1, Event: "copied", Grade: packager.GradeGap}}
	note := valid
	note.Gaps = []packager.Gap{{Seq: 1, Event: "copied", Grade: packager.GradeNote}}
	for _, c := range []struct {
		name    string
		v       packager.Report
		strange []int
		events  events
		want    string // the steps that are ticked, beside that evidence was taken
	}{
		{"nothing", valid, nil, nil, ""},
		{"a shelf and an export", valid, nil, events{{Event: "stored"}, {Event: "exported"}}, ""},
		{"a copy", valid, nil, events{{Event: "copied"}}, "Copied"},
		{"a receipt", valid, nil, events{{Event: "receipt", Actor: "device:pc-42"}}, "Copied"},
		{"a receipt of a hub that is not trusted", valid, []int{1}, events{{Event: "receipt", Actor: "device:pc-42"}}, ""},
		{"a copy of other bytes", valid, nil, events{sealed, {Event: "copied", Object: bytes(other)}}, ""},
		{"a copy of these bytes", valid, nil, events{sealed, {Event: "copied", Object: bytes(sum)}}, "Copied"},
		{"a copy that does not fit", gap, nil, events{{Event: "copied"}}, ""},
		{"a copy of which something is worth knowing", note, nil, events{{Event: "copied"}}, "Copied"},
		{"a copy by a stranger", valid, []int{1}, events{{Event: "copied"}}, ""},
		{"a copy by a stranger, then another", valid, []int{1}, events{{Event: "copied"}, {Event: "copied"}}, "Copied"},
		{"a copy that was taken back", valid, nil, events{{Event: "copied"}, {Event: "corrected", Ref: []int{1}}}, ""},
		{"a copy that a stranger takes back", valid, []int{2}, events{{Event: "copied"}, {Event: "corrected", Ref: []int{1}}}, "Copied"},
		{"given away", valid, nil, events{given}, ""},
		{"handed over", valid, nil, events{given, got}, "Handed over"},
		{"handed over to somebody by his name", valid, nil, events{named, got}, "Handed over"},
		{"sent by the service to a place that gives no receipt", valid, nil, events{sent}, "Copied"},
		{"received by another", valid, nil, events{given, wrong}, ""},
		{"received, of no release", valid, nil, events{given, early}, ""},
		{"released by a stranger", valid, []int{1}, events{given, got}, ""},
		{"received by a stranger", valid, []int{2}, events{given, got}, ""},
		{"a release that was taken back", valid, nil, events{given, got, {Event: "corrected", Ref: []int{1}}}, ""},
		{"a reception that was taken back", valid, nil, events{given, got, {Event: "corrected", Ref: []int{2}}}, ""},
		{"isolated by the device", valid, nil, events{{Event: "isolated", Actor: "device:pc-42"}}, "Isolated"},
		{"isolated, not verified", valid, nil, events{{Event: "isolated", Actor: "device:pc-42", Detail: []packager.EventDetail{{Name: "verified", Value: "false"}}}}, ""},
		{"isolated by a device that is not trusted", unknown, nil, events{{Event: "isolated", Actor: "device:pc-42"}}, ""},
		{"reported", valid, nil, events{{Event: "reported"}, {Event: "discovered"}}, "Discovered Reported"},
	} {
		page := firstSteps(t, c.v, c.strange, c.events...)
		var ticked []string
		for _, line := range strings.Split(page, "<tr")[1:] {
			for _, step := range []string{"Discovered", "Reported", "Isolated", "Copied", "Handed over"} {
				if strings.Contains(line, `class="box on"`) && strings.Contains(line, `lang="en">`+step) {
					ticked = append(ticked, step)
				}
			}
		}
		if s := strings.Join(ticked, " "); s != c.want {
			t.Errorf("%s: ticked is %q, want %q", c.name, s, c.want)
		}
	}
}

// TestSaidOnly is of what is shown of events that tick nothing, and how.
func TestSaidOnly(t *testing.T) {
	valid := packager.Report{Verdict: packager.UntrustedSigner, Sealed: true, Device: "pc-42", Axes: packager.Axes{Signer: "trusted"}}
	stranger := packager.Event{Event: "copied", Actor: "operator:evil"}
	taken := packager.Event{Event: "reported", Actor: "operator:sato", Detail: []packager.EventDetail{{Name: "at", Value: "昨日の9時"}}}
	given := packager.Event{Event: "released", Actor: "operator:sato", Counterpart: "lab:acme"}
	page := firstSteps(t, valid, []int{1}, stranger, taken, given, packager.Event{Event: "discovered", Actor: "operator:sato"}, packager.Event{Event: "corrected", Actor: "operator:sato", Ref: []int{4}})
	for _, want := range []string{"operator:evil", "signed by somebody who is not trusted here", "ここで信頼されていない者の署名", "“<bdi>昨日の9時</bdi>”", "「<bdi>昨日の9時</bdi>」", "released, not received yet", "引渡し済み、受領は未確認", "taken back or corrected later (No. 5)", "後に訂正(番号 5)"} {
		if !strings.Contains(page, want) {
			t.Errorf("section 1 does not say %q", want)
		}
	}
	if page := firstSteps(t, valid, nil, packager.Event{Event: "isolated", Actor: "operator:sato", Time: packager.EventTime{Wall: "soon"}}); !strings.Contains(page, "“<bdi>soon</bdi>”") {
		t.Error("a time that is none is not quoted")
	}
}

// TestStrangersInTheLog is of the sections that tell the log: who is not trusted here is
// marked, and answers nothing.
func TestStrangersInTheLog(t *testing.T) {
	v := &packager.Report{Verdict: packager.UntrustedSigner, Sealed: true, Device: "pc-42", Axes: packager.Axes{Signer: "trusted"}, Believed: []int{2}}
	page := signedPage(t, v,
		packager.Event{Event: "described", Seq: 1, Actor: "operator:evil", Detail: []packager.EventDetail{{Name: "c1", Value: "room of a stranger"}}},
		packager.Event{Event: "described", Seq: 2, Actor: "operator:sato", Detail: []packager.EventDetail{{Name: "b1", Value: "Sato"}}},
		packager.Event{Event: "received", Seq: 3, Actor: "operator:evil", Thing: &packager.EventThing{SealNo: "E-666"}, Authority: "of his own"})
	first := page[strings.Index(page, `id="s1"`):strings.Index(page, `id="s2"`)]
	if strings.Contains(first, "room of a stranger") || !strings.Contains(first, "Sato") {
		t.Error("section 1 has what a stranger said, or not what somebody trusted said")
	}
	custody := page[strings.Index(page, `id="s14"`):]
	if n := strings.Count(custody, `<span class="en" lang="en">not trusted here</span>`); n < 4 { // twice in the log, a field, a transfer
		t.Errorf("%d marks of what a stranger signed", n)
	}
	object, _, _ := strings.Cut(custody, "作業者・立会人")
	if strings.Contains(object, "E-666") || strings.Contains(object, "of his own") {
		t.Error("what a stranger said of the thing stands as a fact")
	}
}
