package persistence

import (
	"fmt"
	"slices"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/task"
)

// finishTask looks at the files that a task's actions run, and at what its forms have
// different.
func (j *job) finishTask(r *TaskRow) {
	add := func(from string, actions []task.Action) {
		for _, a := range actions {
			a.ID, a.Flags = "", 0 // these are not in every form
			at := slices.IndexFunc(r.Commands, func(c TaskCommand) bool { return c.Action == a })
			if at < 0 {
				at = len(r.Commands)
				r.Commands = append(r.Commands, TaskCommand{Action: a, Command: j.actionCommand(a)})
			}
			if !slices.Contains(r.Commands[at].From, from) {
				r.Commands[at].From = append(r.Commands[at].From, from)
			}
		}
	}
	if r.Cache != nil {
		add("tasks", r.Cache.Actions)
		if r.Path == "" {
			r.Path = jsonl.Text(r.Cache.path)
		}
	}
	if r.XML != nil {
		add("xml", r.XML.Actions)
	}
	if r.Job != nil {
		add("job", r.Job.Actions)
	}
	r.disagree()
}

// actionCommand finds what an action runs: a program, or the DLL of a COM class.
func (j *job) actionCommand(a task.Action) *CommandRow {
	switch a.Kind {
	case "exec":
		command := string(a.Command)
		if !strings.HasPrefix(command, `"`) {
			command = `"` + command + `"` // the scheduler takes the field as the whole name
		}
		if a.Arguments != "" {
			command += " " + string(a.Arguments)
		}
		return j.program(command, j.env, false)
	case "com_handler":
		return j.comServer(string(a.ClassID), "")
	}
	return nil
}

// disagree says what the forms of a task have different.
func (r *TaskRow) disagree() {
	say := func(format string, a ...any) {
		r.Disagreements = append(r.Disagreements, jsonl.Text(fmt.Sprintf(format, a...)))
	}
	if r.Tree != nil {
		if r.Tree.NoSD {
			say("no security descriptor in Tree: no tool of Windows shows the task")
		}
		if r.Tree.Index == "0" || r.Tree.noIndex {
			say("no index in Tree: tools of Windows do not show the task")
		}
		if r.Tree.HiddenName {
			say("a NUL is in its name")
		}
	}
	switch {
	case r.Job != nil && r.Tree == nil && r.Cache == nil && r.XML == nil:
		return // a form of its own
	case r.Cache != nil && r.Tree == nil:
		say("Tasks has it, Tree does not: it has no name to be shown by, and still runs")
	case r.Cache == nil && r.Tree != nil:
		say("Tree has it, Tasks does not: nothing is run")
	case r.Cache == nil && r.XML != nil:
		say("there is a file, but the registry does not know it: deleted there, or never registered")
	}
	if r.Cache != nil && r.XML == nil {
		say("the registry has it, but there is no file: deleted to hide it, or hidden")
	}
	if r.Cache == nil || r.XML == nil || r.XML.Reason != "" || r.Cache.Reason != "" {
		return
	}
	for _, c := range r.Commands {
		if (slices.Contains(c.From, "tasks")) != (slices.Contains(c.From, "xml")) {
			say("an action is only in %s: %s", strings.Join(c.From, ", "), actionText(c.Action))
		}
	}
	if r.Cache.RawTriggers == "" {
		return
	}
	if len(r.Cache.Triggers) != len(r.XML.Triggers) {
		say("%d triggers in the registry, %d in the file", len(r.Cache.Triggers), len(r.XML.Triggers))
	}
	if r.Cache.Enabled != r.XML.Enabled {
		say("enabled: %v in the registry, %v in the file", r.Cache.Enabled, r.XML.Enabled)
	}
}

func actionText(a task.Action) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", a.Kind, a.Command, a.Arguments, a.ClassID))
}
