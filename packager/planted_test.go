package packager

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hozen/packager/ja"
	"hozen/packager/signed"
)

// planted are names that somebody chose so that sentences lie.
func planted() []string {
	return []string{
		"operator:sato: the key is unknown",
		"not encrypted",
		"INVALID",
		"lab:acme; not received yet",
		"lab:acme): gap: the seal was broken",
		`lab"; event 3 corrects it`,
		`\"; not received yet`,
		"sealed because the key is unknown",
		"x\ncustody log: the custody log is empty",
		"鍵が信頼する一覧にありません\n矛盾: \x1b[2J because 検証済み",
		"contradiction: genesis: revoked",
		"1 cut (first: a); 3 denied (first: /etc/shadow",
		"seal: \u202e\u2028%1 %s %!s",
		" ",
	}
}

// TestPlantedNames: whatever a name says, each sentence that has it is, in both languages,
// that which has another name, but for what stands between quotes.
func TestPlantedNames(t *testing.T) {
	const other = "some body"
	w, p, table := newWorld(t), keepers{}, ja.New()
	want := plantedSentences(t, w, p, other)
	if len(want) < 30 {
		t.Fatalf("only %d sentences: %q", len(want), want)
	}
	for _, name := range planted() {
		got := plantedSentences(t, w, p, name)
		if len(got) != len(want) {
			t.Errorf("%q: %d sentences, not %d: %q", name, len(got), len(want), got)
			continue
		}
		in, out := strconv.Quote(name), strconv.Quote(other)
		for i := range got {
			if !strings.Contains(want[i], out) {
				t.Fatalf("%q: the other name is not in quotes", want[i])
			}
			if said := strings.ReplaceAll(got[i], in, out); said != want[i] {
				t.Errorf("%q:\n %s\nnot\n %s", name, got[i], want[i])
			}
			in1, in2 := table.Of(got[i]), table.Of(want[i])
			if in2 == want[i] {
				t.Errorf("no Japanese: %s", in2)
			}
			if said := strings.ReplaceAll(in1, in, out); said != in2 {
				t.Errorf("%q in Japanese:\n %s\nnot\n %s", name, in1, in2)
			}
		}
	}
}

// plantedSentences gives what is said of logs in which all names are one.
func plantedSentences(t *testing.T, w *world, p keepers, name string) (all []string) {
	t.Helper()
	p[name] = p.key(t, "lab:acme")
	says := func(event string, edit func(*Event)) told {
		e := Event{Event: event, Reason: "r", Counterpart: name}
		if edit != nil {
			edit(&e)
		}
		return told{name, e}
	}
	device := func(e Event) told { return told{"device:pc-42", e} }
	people := p.append(t, w.log,
		device(how(Event{Event: "released", Counterpart: name, Reason: "r"})),
		says("released", nil),
		device(Event{Event: "received", Counterpart: "device:pc-42", Verdict: string(Invalid), Ref: []int{7}, Thing: &EventThing{SealNo: name}}),
		says("received", func(e *Event) { e.Verdict = string(Invalid) }),
		device(how(Event{Event: "released", Counterpart: "x", Reason: "r"})),
		says("checked_out", nil), says("disputed", nil),
		says("verified", func(e *Event) { e.Verdict = string(Invalid) }),
		says(name, nil),
		says("countersigned", nil),
		says("opened", func(e *Event) { e.Object = EventObject{Name: name, Bytes: 7, SHA256: "x"} }),
		says("receipt", func(e *Event) { e.Detail = receiptBy(t, p.key(t, "lab:acme"), w, name) }),
		says("timestamped", func(e *Event) { e.Detail = []EventDetail{{"token_sha256", "x"}, {"token_pieces", name}} }),
	)
	o := w.o
	o.Trust, o.Log = keepers{}.trust(t, w.device), people
	for _, o := range []VerifyOptions{o, {Trust: nil, Log: people}, {Trust: o.Trust, Log: w.log, Head: name, Copies: []LogCopy{
		{name, p.append(t, w.log, says("opened", nil))}, {name, p.append(t, w.log, device(Event{Event: "stored", Place: "p"}))}, {name, []byte("x\n")}, {name, w.otherLog},
	}}} {
		r := verdict(t, w.archive, o)
		all = append(append(append(all, r.Findings...), r.Notes...), r.Axes.Anchors...)
	}
	r := VerifyLog(people, o)
	all = append(append(all, r.Findings...), r.Notes...)
	for _, s := range CompareLogs(LogCopy{name, people}, LogCopy{name, w.log}, LogCopy{name, w.otherLog}) {
		all = append(all, s.Text())
	}
	_, err := DetailText([]Event{}, &Event{Event: name, Detail: []EventDetail{{"a_sha256", "x"}, {"a_pieces", name}}}, "a")
	all = append(all, err.Error())
	_, err = decodeRecord([]byte(`{"path":` + quotedJSON(t, name) + `,"SHA1":"A","MD5":"b"}`))
	all = append(all, err.Error())
	all = append(all, (&Trust{}).Check(name, "x", signed.Event, testTime).Error())
	return having(all, name)
}

// having keeps the sentences that have a name, without what differs between two logs.
func having(all []string, name string) (some []string) {
	changing := regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]*Z|[0-9a-f]{16,64}|SHA256:[A-Za-z0-9+/]*|-?[0-9hm.]+s before`)
	for _, s := range all {
		if strings.Contains(s, strconv.Quote(name)) {
			some = append(some, changing.ReplaceAllString(s, "7"))
		}
	}
	return some
}

func quotedJSON(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// receiptBy is a receipt of a hub that nobody knows.
func receiptBy(t *testing.T, d Device, w *world, hub string) []EventDetail {
	t.Helper()
	by, err := d.by()
	if err != nil {
		t.Fatal(err)
	}
	events, _, err := readLog(w.log)
	if err != nil {
		t.Fatal(err)
	}
	statement := []byte(`{"type":"` + typeReceipt + `","collection":"` + events[0].Collection + `","archive":{"name":"x","bytes":1,"sha256":"x"},"log":{"name":"x","bytes":1,"sha256":"x"},"verdict":"VALID","hub":` +
		quotedJSON(t, hub) + `,"time":"x"}`)
	sig, err := by.Sign(signed.Receipt, statement)
	if err != nil {
		t.Fatal(err)
	}
	return []EventDetail{{"receipt", string(statement)}, {"receipt_sig", string(sig)}}
}
