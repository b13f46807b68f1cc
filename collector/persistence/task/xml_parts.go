package task

import (
	"strings"

	"hozen/collector/jsonl"
)

func xmlAction(e *element) Action {
	a := Action{ID: jsonl.Text(e.attr("id"))}
	switch e.name {
	case "Exec":
		a.Kind, a.Command, a.Arguments, a.WorkingDirectory = "exec", e.textAt("Command"), e.textAt("Arguments"), e.textAt("WorkingDirectory")
	case "ComHandler":
		a.Kind, a.ClassID, a.Data = "com_handler", jsonl.Text(strings.ToUpper(e.at("ClassId"))), e.textAt("Data")
	case "SendEmail":
		a.Kind, a.Text = "send_email", jsonl.Text(e.lines())
	case "ShowMessage":
		a.Kind, a.Text = "show_message", jsonl.Text("title: "+e.at("Title")+"\nbody: "+e.at("Body"))
	default:
		a.Kind, a.Text = "unknown "+e.name, jsonl.Text(e.lines())
	}
	return a
}

// lines writes the children that hold text, one a line.
func (e *element) lines() string {
	var out []string
	for _, c := range e.children {
		if text := strings.TrimSpace(c.text.String()); text != "" {
			out = append(out, c.name+": "+text)
		}
	}
	return strings.Join(out, "\n")
}

func xmlTrigger(e *element) Trigger {
	kinds := map[string]string{
		"BootTrigger": "boot", "RegistrationTrigger": "registration", "IdleTrigger": "idle", "TimeTrigger": "time",
		"CalendarTrigger": "calendar", "EventTrigger": "event", "LogonTrigger": "logon",
		"SessionStateChangeTrigger": "session_change", "WnfStateChangeTrigger": "wnf_state",
	}
	enabled := !isFalse(e.at("Enabled"))
	t := Trigger{
		Kind: kinds[e.name], ID: jsonl.Text(e.attr("id")), Enabled: &enabled,
		Start: e.textAt("StartBoundary"), End: e.textAt("EndBoundary"), TimeLimit: e.textAt("ExecutionTimeLimit"),
		Delay: e.textAt("Delay"), Interval: e.textAt("Repetition", "Interval"), Duration: e.textAt("Repetition", "Duration"),
		User: e.textAt("UserId"), State: e.textAt("StateChange"), Subscription: e.textAt("Subscription"),
	}
	if t.Kind == "" {
		t.Kind = "unknown " + e.name
	}
	if t.Delay == "" {
		t.Delay = e.textAt("RandomDelay")
	}
	if t.State == "" {
		t.State = e.textAt("StateName")
	}
	for _, c := range e.children {
		if strings.HasPrefix(c.name, "ScheduleBy") {
			t.Schedule = jsonl.Text(c.name + c.flat())
		}
	}
	return t
}

// flat writes what an element holds in one line: ScheduleByWeek WeeksInterval=1 Monday.
func (e *element) flat() string {
	var b strings.Builder
	for _, c := range e.children {
		b.WriteString(" " + c.name)
		if text := strings.TrimSpace(c.text.String()); text != "" {
			b.WriteString("=" + text)
		}
		b.WriteString(c.flat())
	}
	return b.String()
}
