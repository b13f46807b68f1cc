package custody

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
)

// begunEvents are of a log whose archive nobody could read.
func begunEvents() []packager.Event {
	at := packager.EventTime{Wall: "2026-11-22T22:47:24.877267289Z", Zone: "JST +0900"}
	return []packager.Event{
		{Event: "started", Seq: 1, Collection: testID, Actor: "device:pc-42", Time: at, Case: "2026-017", Evidence: "E-1", Operator: "sato", Place: "room 3", Reason: "beacon", Authority: "contract 9",
			Item: &packager.HostID{Name: "pc-42", OS: "Debian 12", Kernel: "6.1", Make: "ACME"}, Method: &packager.EventMethod{Tool: "hozen/test", Command: []string{"hozen", "collect"}}},
		{Event: "sealed", Seq: 2, Collection: testID, Actor: "device:pc-42", Time: at, Object: packager.EventObject{Name: "x", SHA256: "ab"}, Detail: []packager.EventDetail{{Name: "seal", Value: "c3ea"}}},
	}
}

// Of an archive that nobody could read the form says what its log says, and of the rest
// nothing: "0 members" would be a lie.
func TestFormOfWhatWasNotRead(t *testing.T) {
	for name, rep := range map[string]*packager.Report{"no archive": nil, "no genesis": {}, "a blank one": {Genesis: &packager.Genesis{}}} {
		form := Form(rep, begunEvents())
		for id, want := range map[string]string{"A1": "2026-017", "A2": "E-1", "A3": "contract 9", "B1": "sato", "C1": "room 3", "C2": "began 2026-11-22T22:47:24Z (UTC; JST +0900)", "C4": "beacon",
			"D1": "maker ACME, host name pc-42", "D3": "Debian 12, 6.1", "E3": "hozen/test, hozen collect", "F2": "when it was sealed: 2026-11-22T22:47:24Z", "F3": "signed (SSHSIG) by device:pc-42; seal c3ea"} {
			if f := field(t, form, id); len(f.Answers) == 0 || !strings.Contains(f.Answers[0].Text, want) {
				t.Errorf("%s: %s: %+v, want %q", name, id, f.Answers, want)
			}
		}
		if f := field(t, form, "F1"); !f.Open {
			t.Errorf("%s: F1: %+v", name, f.Answers)
		}
		for _, id := range []string{"F1", "F3", "C2"} {
			if f := field(t, Form(rep, nil), id); !f.Open {
				t.Errorf("%s, no log: %s: %+v", name, id, f.Answers)
			}
		}
	}
}

// A clock that the archive's own table has is not said once more, less sure, by its event.
func TestMeasuredClockIsSaidOnce(t *testing.T) {
	s := packager.ClockSource{Kind: "hub", ID: "h", OffsetMS: 90000, RTTMS: 4}
	known := ClockText(s, 90002)
	e := packager.Event{Event: "clock", Seq: 3, Actor: "device:pc-42", Time: packager.EventTime{Sources: []packager.ClockSource{s, {Kind: "ntp", ID: "n", OffsetMS: 30000}}}}
	f := field(t, Form(nil, []packager.Event{e}, Fact{Field: "C3", Text: known[0], JA: known[1], From: "clock-servers.jsonl"}), "C3")
	if len(f.Answers) != 2 || f.Answers[0].Text != known[0] || !strings.HasPrefix(f.Answers[1].Text, "ntp n ") {
		t.Errorf("%+v", f.Answers)
	}
}

// A clock that has whole seconds shows no milliseconds: the error is said with the offset.
func TestClockTextSaysItsError(t *testing.T) {
	tsa := func(offset int64) packager.ClockSource {
		return packager.ClockSource{Kind: "tsa", ID: "x", OffsetMS: offset, RTTMS: 16}
	}
	for _, c := range []struct {
		offset, most int64
		en, ja       string
	}{
		{-328, 2336, "tsa x and this machine: no difference beyond the error of 2.008 s (offset -328 ms, round trip 16 ms)", "誤差 2.008 秒を超える差なし"},
		{-61002, 63010, "tsa x is 61.002 s behind this machine, ± 2.008 s (", "61.002 秒遅れ、誤差 ± 2.008 秒"},
		{5000, 0, "tsa x is 5.000 s ahead of this machine; its error is not recorded (", "誤差の記録なし"},
	} {
		if w := ClockText(tsa(c.offset), c.most); !strings.HasPrefix(w[0], c.en) || !strings.Contains(w[1], c.ja) {
			t.Errorf("%q", w)
		}
	}
	e := packager.Event{Event: "timestamped", Seq: 6, Actor: "device:pc-42", Detail: []packager.EventDetail{{Name: "seal", Value: "c3"}, {Name: "gen_time", Value: "2026-11-22T22:53:53.000000000Z"}, {Name: "tsa", Value: "CN=Test"}},
		Time: packager.EventTime{Sources: []packager.ClockSource{tsa(-328)}, MaxErrorMS: 2336}}
	form := Form(nil, []packager.Event{e})
	if f := field(t, form, "C3"); len(f.Answers) != 1 || !strings.Contains(f.Answers[0].Text, "beyond the error of 2.008 s") {
		t.Errorf("C3: %+v", f)
	}
	if f := field(t, form, "F3"); len(f.Answers) != 1 || f.Answers[0].Text != "time stamp (RFC 3161) 2026-11-22T22:53:53Z by CN=Test, of the seal" || !strings.Contains(f.Answers[0].JA, "CN=Test、対象は封印") {
		t.Errorf("F3: %+v", f)
	}
	rep := &packager.Report{Genesis: &packager.Genesis{Tool: "x"}, TimeStamps: []packager.TimeStamp{{Event: 6, Why: "no roots were given"}}}
	if f := field(t, Form(rep, []packager.Event{e}), "F3"); len(f.Answers) != 1 || !strings.Contains(f.Answers[0].Text, "not believed here: no roots were given") {
		t.Errorf("F3: %+v", f)
	}
}

// What nobody looked at is not called free of encryption, nor of people.
func TestWhatNobodyLookedAt(t *testing.T) {
	facts := func(members map[string]string) []Fact {
		var g Gatherer
		for item, text := range members {
			g.Give(item, []byte(text))
		}
		g.Count("host", evidence.Collected, false)
		return g.Facts()
	}
	has := func(list []Fact, field, en string) bool {
		return slices.ContainsFunc(list, func(f Fact) bool { return f.Field == field && strings.Contains(f.Text, en) && f.JA != f.Text })
	}
	const output = `{"schema":"hozen/footprint/1","output":"/media/x","output_disk":"sdb"}`
	const plan = `{"schema":"hozen/plan/1","live":true}`
	none := facts(map[string]string{"footprint.json": output, "plan.json": plan})
	if !has(none, "G1", "whether it is encrypted was not looked at") || has(none, "G1", "no encryption") {
		t.Errorf("%+v", none)
	}
	if !has(none, "D3", "logged-on users: not known") {
		t.Errorf("%+v", none)
	}
	some := facts(map[string]string{"footprint.json": output, "plan.json": plan, "volatile/kernel/block.jsonl": `{"kind":"block","name":"sdb","size":9,"device":"8:16"}`, "volatile/sessions.jsonl": `{"kind":"utmp","type_name":"BOOT_TIME"}`})
	if !has(some, "G1", "no encryption of the medium was seen") || !has(some, "D3", "logged on: nobody") {
		t.Errorf("%+v", some)
	}
}

// What was corrected says so, and the correction stands beside it.
func TestCorrectedEvent(t *testing.T) {
	dir, by := collection(t)
	tell := func(e packager.Event) packager.Event {
		t.Helper()
		e.Actor = "operator:sato"
		e, _, err := Append(filepath.Join(dir, packager.LogName(testID)), testID, by, e, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	old := tell(packager.Event{Event: "stored", Place: "safe 3"})
	anew := tell(packager.Event{Event: "corrected", Ref: []int{old.Seq}, Reason: "it was another safe", Place: "safe 4"})
	f := field(t, Form(nil, logIn(t, dir)), "H1")
	if len(f.Answers) != 2 || f.Answers[0].Superseded != anew.Seq || f.Answers[1].Superseded != 0 || !strings.Contains(f.Answers[1].Text, "it was another safe, safe 4") || f.Open {
		t.Errorf("%+v", f)
	}
	again := tell(packager.Event{Event: "corrected", Ref: []int{old.Seq}, Reason: "and another one", Place: "safe 5"})
	if f := field(t, Form(nil, logIn(t, dir)), "H1"); len(f.Answers) != 3 || !slices.Equal(f.Answers[0].SupersededBy(), []int{anew.Seq, again.Seq}) || !strings.Contains(f.Answers[2].Text, "safe 5") {
		t.Errorf("corrected once more: %+v", f)
	}
	if f := field(t, Form(nil, logIn(t, dir)), "F2"); f.Open { // the device said it
		t.Errorf("%+v", f)
	}
}

// A table of devices that lie on each other, as a hostile host may give one, is read to its end.
func TestDisksInCircles(t *testing.T) {
	var rows strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&rows, `{"kind":"disk","size":%d,"name":"a","slaves":["a","b"]}`+"\n"+`{"kind":"disk","size":1,"partition":true,"parent":"a","name":"b","slaves":["a"]}`+"\n", i+1)
	}
	var g Gatherer
	g.Give("volatile/kernel/block.jsonl", []byte(rows.String()))
	if facts := g.Facts(); !slices.ContainsFunc(facts, func(f Fact) bool { return f.Field == "D2" }) {
		t.Errorf("no disk in %d facts", len(facts))
	}
}

// A disk tells what is known of it, and what is not: the number of a PCI vendor is no maker.
func TestDiskTellsWhatIsNotKnown(t *testing.T) {
	var g Gatherer
	g.Give("volatile/kernel/block.jsonl", []byte(`{"kind":"block","name":"vda","device":"254:0","size":8000000000,"vendor":"0x1af4","sector_size":512,"sysfs":"../devices/pci0000:00/0000:00:03.0/virtio1/block/vda"}
{"kind":"block","name":"vda1","parent":"vda","partition":true,"size":7000000000}
{"kind":"block","name":"md0","size":7000000000,"slaves":["vda1"]}
{"kind":"block","name":"dm-0","size":6000000000,"slaves":["md0"],"crypt":"luks2"}
{"kind":"block","name":"sdb","size":9000000000,"sysfs":"../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sdb"}
{"kind":"block","name":"loop0","size":9,"sysfs":"../devices/virtual/block/loop0"}
`))
	facts := g.Facts()
	for _, want := range [][2]string{
		{"vda, 7.5 GiB (8000000000 bytes), sectors of 512 bytes, interface virtio, partitions: 1 (vda1 6.5 GiB (7000000000 bytes)), encrypted, open now: luks2 dm-0, not known: maker, model, serial, kind of partition table", "セクター 512 バイト, I/F virtio"},
		{"sdb, 8.4 GiB (9000000000 bytes), interface ata, no partitions, no open encryption seen", "不明: メーカー、型番、S/N、セクターサイズ、パーティション形式"},
	} {
		if !slices.ContainsFunc(facts, func(f Fact) bool {
			return f.Field == "D2" && strings.HasPrefix(f.Text, want[0]) && strings.Contains(f.JA, want[1])
		}) {
			t.Errorf("nothing like %q: %+v", want, facts)
		}
	}
	if slices.ContainsFunc(facts, func(f Fact) bool {
		return strings.Contains(f.Text, "0x1af4") || strings.HasPrefix(f.Text, "loop0") && strings.Contains(f.Text, "not known")
	}) {
		t.Errorf("%+v", facts)
	}
}

// An answer against what the tool knows is told, and recorded as both.
func TestAnswersThatDiffer(t *testing.T) {
	form := Form(&packager.Report{Genesis: &packager.Genesis{Tool: "hozen/9", Case: "2026-017"}}, nil)
	a := Answers{"A1": "2026-999", "E3": "another tool", "A4": "Sato", "A2": "E-7"}
	d := a.Differences(form)
	if len(d) != 2 || d[0] != (Difference{"A1", "2026-999", "2026-017", "genesis"}) || d[1].Field != "E3" {
		t.Fatalf("%+v", d)
	}
	list := a.Events(form, "")
	var said []string
	for _, x := range list[0].Detail {
		if x.Name == "differs" {
			said = append(said, x.Value)
		}
	}
	if len(list) != 1 || !slices.Equal(said, []string{"A1: 2026-017 (genesis)", "E3: hozen/9 (genesis)"}) || list[0].Fact("a1") != "2026-999" {
		t.Errorf("%+v", list)
	}
	if d := (Answers{"A1": "case 2026-017 of ACME"}).Differences(form); len(d) > 0 {
		t.Errorf("%+v", d)
	}
}
