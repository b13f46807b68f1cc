package task

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestParseActions(t *testing.T) {
	a, err := ParseActions(actionsBlob())
	must(t, err)
	want := []Action{
		{Kind: "exec", Command: `C:\evil.exe`, Arguments: `-x "a b"`, WorkingDirectory: `C:\`, Flags: 1},
		{Kind: "com_handler", ID: "h", ClassID: "{61BCD1B9-340C-40EC-9D41-D7F1C0632F05}", Data: "given"},
		{Kind: "show_message", Text: "title: a\nbody: b"},
		{Kind: "send_email", Text: "from: me\nto: you\nserver: mail\nsubject: hi\nbody: text\nattachment: file\nheader: X: y"},
	}
	if a.Version != 3 || a.Context != "Author" || !reflect.DeepEqual(a.List, want) {
		t.Errorf("%+v", a)
	}
	old := blob{}.u16(1).u16(actionExec).text("").text("cmd.exe").text("/c x").text("")
	if a, err = ParseActions(old); err != nil || a.List[0].Command != "cmd.exe" {
		t.Errorf("version 1: %+v, %v", a, err)
	}
}

// Whatever a value is cut to, the actions before the cut are given.
func TestCutActions(t *testing.T) {
	whole := actionsBlob()
	if a, err := ParseActions(whole[:len(whole)-1]); err == nil || len(a.List) != 3 {
		t.Errorf("%+v, %v", a, err)
	}
	lie := blob{}.u16(3).u32(1<<32 - 1)
	if _, err := ParseActions(lie); err == nil {
		t.Error("a length of 4 GiB was believed")
	}
	for b, word := range map[string]string{"\x09\x00": "version 9", "\x01\x00\x11\x11\x00\x00\x00\x00": "kind 0x1111", "": "2 bytes wanted"} {
		if _, err := ParseActions([]byte(b)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func TestParseTriggers(t *testing.T) {
	tr, err := ParseTriggers(triggersBlob())
	must(t, err)
	if tr.Version != 0x17 || tr.SID != "S-1-5-18" || tr.Principal != "Author" || tr.CRC32 != 0xfeedface || tr.Start != "2024-01-01T00:00:00.000000000" || tr.End != "" {
		t.Errorf("%+v", tr)
	}
	if !tr.Enabled() || !tr.Hidden() || !tr.Highest() || tr.Settings != (Settings{TimeLimit: "PT259200S", Priority: 7, Retries: 3}) {
		t.Errorf("%+v", tr)
	}
	var kinds []string
	for _, one := range tr.List {
		kinds = append(kinds, one.Kind)
		if one.Enabled == nil || !*one.Enabled || one.Start == "" {
			t.Errorf("%+v", one)
		}
	}
	if got := strings.Join(kinds, " "); got != "logon event session_change time boot" {
		t.Fatalf("%s", got)
	}
	logon, event, session, at := tr.List[0], tr.List[1], tr.List[2], tr.List[3]
	if logon.ID != "wake" || logon.Delay != "PT30S" || logon.TimeLimit != "PT3600S" || logon.Interval != "PT300S" || logon.Duration != "PT900S" {
		t.Errorf("%+v", logon)
	}
	if event.Subscription != "<Query>" || session.State != "SessionUnlock" || session.User != "S-1-5-18" {
		t.Errorf("%+v %+v", event, session)
	}
	if at.Schedule != "every 1 weeks on days monday,friday" || at.Delay != "PT60S" || at.Interval != "PT3600S" || at.Duration != "" {
		t.Errorf("%+v", at)
	}
}

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		mode uint32
		data [3]uint16
		want string
	}{
		{0, [3]uint16{}, ""},
		{1, [3]uint16{3}, "every 3 days"},
		{3, [3]uint16{1, 0x8000, 0x801}, "months 1,12, days 1,32"},
		{4, [3]uint16{0x41, 0x10, 1}, "months 1, weeks 5, days sunday,saturday"},
		{9, [3]uint16{1, 2, 3}, "mode 9: 1 2 3"},
	} {
		if got := schedule(c.mode, c.data); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestCutTriggers(t *testing.T) {
	whole := triggersBlob()
	if tr, err := ParseTriggers(whole[:len(whole)-20]); err == nil || len(tr.List) != 4 {
		t.Errorf("%+v, %v", tr, err)
	}
	if _, err := ParseTriggers(header().u32(0x1234).pad()); err == nil || !strings.Contains(err.Error(), "0x1234") {
		t.Errorf("%v", err)
	}
}

func TestParseDynamicInfo(t *testing.T) {
	b := blob{}.u32(3).u64(133485408000000000).u64(0).u32(0).u32(0x80070002).u64(133485408010000000)
	want := DynamicInfo{Version: 3, Created: "2024-01-01T00:00:00.000000000Z", LastResult: 0x80070002, LastSuccess: "2024-01-01T00:00:01.000000000Z"}
	if d, err := ParseDynamicInfo(b); err != nil || d != want {
		t.Errorf("%+v, %v", d, err)
	}
	want.LastSuccess = ""
	if d, err := ParseDynamicInfo(b[:28]); err != nil || d != want {
		t.Errorf("28 bytes: %+v, %v", d, err)
	}
	if _, err := ParseDynamicInfo(b[:27]); err == nil {
		t.Error("27 bytes were enough")
	}
}

// What plaso's own test expects (tests/parsers/winjob.py).
func TestParseJob(t *testing.T) {
	b, err := os.ReadFile("testdata/wintask.job")
	must(t, err)
	j, err := ParseJob(b)
	must(t, err)
	if j.Command != `C:\Program Files (x86)\Google\Update\GoogleUpdate.exe` || j.Arguments != "/ua /installsource scheduler" || j.User != "Brian" ||
		j.WorkingDirectory != "" || j.LastRun != "2013-08-24T12:42:00.112000000" || !strings.HasPrefix(j.Comment, "Keeps your Google software up to date.") {
		t.Errorf("%+v", j)
	}
	if len(j.Triggers) != 1 || j.Triggers[0].Start != "2013-07-12T15:42:00.000000000" || j.Triggers[0].End != "" || j.Triggers[0].Schedule != "every 1 days" {
		t.Errorf("%+v", j.Triggers)
	}
	if !j.Enabled() || j.Hidden() || j.Triggers[0].Interval != "PT60M" || j.Triggers[0].Duration != "PT1440M" {
		t.Errorf("%+v", j)
	}
	if j, err := ParseJob(b[:len(b)-1]); err == nil || j.User != "Brian" {
		t.Errorf("cut: %+v, %v", j, err)
	}
}

func TestSID(t *testing.T) {
	for _, c := range []struct {
		in   string
		want string
	}{
		{"\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00\x00\x00", "S-1-5-18"},
		{"\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00", "S-1-5-32-544"},
		{"\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00", ""},
		{"\x02\x00\x00\x00\x00\x00\x00\x05", ""},
		{"", ""},
	} {
		if got := SID([]byte(c.in)); got != c.want {
			t.Errorf("%x: %q", c.in, got)
		}
	}
}

func FuzzParseActions(f *testing.F) {
	f.Add(actionsBlob())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, _ := ParseActions(b); len(a.List) > maxActions {
			t.Fatal(len(a.List))
		}
	})
}

func FuzzParseTriggers(f *testing.F) {
	f.Add(triggersBlob())
	f.Fuzz(func(t *testing.T, b []byte) {
		if tr, _ := ParseTriggers(b); len(tr.List) > maxActions {
			t.Fatal(len(tr.List))
		}
		ParseDynamicInfo(b)
	})
}

func FuzzParseJob(f *testing.F) {
	b, err := os.ReadFile("testdata/wintask.job")
	must(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if j, _ := ParseJob(b); len(j.Triggers) > maxActions {
			t.Fatal(len(j.Triggers))
		}
	})
}
