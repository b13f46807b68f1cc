package task

import (
	"reflect"
	"strings"
	"testing"
)

const plain = `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Author>PC\保全</Author><Date>2024-01-01T00:00:00</Date><URI>\evil</URI></RegistrationInfo>
  <Triggers>
    <LogonTrigger><Enabled>false</Enabled><UserId>S-1-5-18</UserId><Delay>PT1M</Delay></LogonTrigger>
    <CalendarTrigger id="c"><StartBoundary>2024-01-01T03:00:00</StartBoundary><Repetition><Interval>PT1H</Interval></Repetition>
      <ScheduleByWeek><WeeksInterval>2</WeeksInterval><DaysOfWeek><Monday/><Friday/></DaysOfWeek></ScheduleByWeek></CalendarTrigger>
    <EventTrigger><Subscription>&lt;QueryList/&gt;</Subscription></EventTrigger>
    <NewTrigger/>
  </Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel>
    <RequiredPrivileges><Privilege>SeDebugPrivilege</Privilege><Privilege>SeTcbPrivilege</Privilege></RequiredPrivileges></Principal></Principals>
  <Settings><Hidden>true</Hidden></Settings>
  <Actions Context="Author">
    <Exec><Command>cmd.exe</Command><Arguments>/c "x &amp; y"</Arguments></Exec>
    <ComHandler><ClassId>{61bcd1b9-340c-40ec-9d41-d7f1c0632f05}</ClassId><Data>d</Data></ComHandler>
    <ShowMessage><Title>a</Title><Body>b</Body></ShowMessage>
  </Actions>
</Task>`

func TestParseXML(t *testing.T) {
	utf16 := append([]byte{0xff, 0xfe}, units(plain)...)
	swapped := make([]byte, len(utf16))
	for i := range utf16 {
		swapped[i] = utf16[i^1]
	}
	for name, b := range map[string][]byte{"UTF-8": []byte(plain), "UTF-8 with mark": []byte("\ufeff" + plain), "UTF-16": utf16, "UTF-16 without mark": utf16[2:], "big-endian": swapped} {
		d, err := ParseXML(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.Author != `PC\保全` || d.URI != `\evil` || !d.Enabled || !d.Hidden || d.Version != "1.4" || d.Context != "Author" || d.Replaced {
			t.Errorf("%s: %+v", name, d)
		}
		if want := []Principal{{ID: "Author", User: "S-1-5-18", RunLevel: "HighestAvailable", Privileges: "SeDebugPrivilege SeTcbPrivilege"}}; !reflect.DeepEqual(d.Principals, want) {
			t.Errorf("%s: %+v", name, d.Principals)
		}
		want := []Action{{Kind: "exec", Command: "cmd.exe", Arguments: `/c "x & y"`}, {Kind: "com_handler", ClassID: "{61BCD1B9-340C-40EC-9D41-D7F1C0632F05}", Data: "d"}, {Kind: "show_message", Text: "title: a\nbody: b"}}
		if !reflect.DeepEqual(d.Actions, want) {
			t.Errorf("%s: %+v", name, d.Actions)
		}
		logon, calendar, event, other := d.Triggers[0], d.Triggers[1], d.Triggers[2], d.Triggers[3]
		if *logon.Enabled || logon.Kind != "logon" || logon.Delay != "PT1M" || calendar.Schedule != "ScheduleByWeek WeeksInterval=2 DaysOfWeek Monday Friday" ||
			calendar.Interval != "PT1H" || event.Subscription != "<QueryList/>" || other.Kind != "unknown NewTrigger" {
			t.Errorf("%s: %+v", name, d.Triggers)
		}
	}
}

func TestHostileXML(t *testing.T) {
	deep := "<Task><Actions>" + strings.Repeat("<a>", 1000)
	many := "<Task><Actions>" + strings.Repeat("<a/>", maxElements+1)
	for name, c := range map[string]struct{ in, word string }{
		"deep": {deep, "deep"}, "many": {many, "more than"}, "cut": {strings.TrimSuffix(plain, "</Task>"), "ends within"},
		"entity":    {`<!DOCTYPE Task [<!ENTITY x SYSTEM "file:///etc/passwd">]><Task><Actions><Exec><Command>&x;</Command></Exec></Actions></Task>`, "entity"},
		"other":     {"<html/>", "no task"},
		"crossed":   {"<Task><Actions></Task>", "did not begin"},
		"too large": {strings.Repeat(" ", maxXML+1), "more than"},
		"empty":     {"", "no task"},
	} {
		d, err := ParseXML([]byte(c.in))
		if err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "cut" && len(d.Actions) != 3 {
			t.Errorf("cut: %+v", d)
		}
	}
	lone := append([]byte{0xff, 0xfe}, units("<Task><Actions><Exec><Command>a")...)
	lone = append(append(lone, 0x00, 0xd8), units("b\x01c</Command></Exec></Actions></Task>")...)
	d, err := ParseXML(lone)
	if err != nil || !d.Replaced || !strings.HasPrefix(string(d.Actions[0].Command), "a\ufffd") || !strings.HasSuffix(string(d.Actions[0].Command), "b\ufffdc") {
		t.Errorf("%+v, %v", d, err)
	}
}

func FuzzParseXML(f *testing.F) {
	f.Add([]byte(plain))
	f.Add(append([]byte{0xff, 0xfe}, units(plain)...))
	f.Fuzz(func(t *testing.T, b []byte) { ParseXML(b) })
}
