// Package task reads what Windows keeps of scheduled tasks, in each of the forms in
// which a task exists: the XML below System32\Tasks, the three binary values of a task
// in the registry's TaskCache, and the .job files of before Windows Vista. All become
// the same Actions and Triggers, so that forms which should agree can be compared.
//
// Everything read is hostile: counts, lengths and depths are bounded, and what was
// read before an error is given with it.
//
// Begin with ParseXML, ParseActions, ParseTriggers, ParseDynamicInfo and ParseJob.
// cursor.go reads little-endian fields with bounds.
//
// Sources: the task schema ([MS-TSCH] section 2.5), .job files ([MS-TSCH] section 2.4);
// the registry's values are not documented by Microsoft: "Windows Registry Analysis:
// Today's Episode: Tasks" (https://cyber.wtf/2022/06/01/windows-registry-analysis-todays-episode-tasks/).
package task

import (
	"strconv"

	"hozen/collector/jsonl"
)

// An Action is one thing that a task does.
type Action struct {
	Kind             string     `json:"kind"` // exec, com_handler, send_email, show_message; "unknown 0x…"
	ID               jsonl.Text `json:"id,omitempty"`
	Command          jsonl.Text `json:"command,omitempty"`
	Arguments        jsonl.Text `json:"arguments,omitempty"`
	WorkingDirectory jsonl.Text `json:"working_directory,omitempty"`
	ClassID          jsonl.Text `json:"class_id,omitempty"` // of a COM handler: {…}
	Data             jsonl.Text `json:"data,omitempty"`     // what a COM handler is given
	Text             jsonl.Text `json:"text,omitempty"`     // of a message or mail: its fields, one a line
	Flags            uint16     `json:"flags,omitempty"`    // of an exec action in the registry
}

// A Trigger is one thing that starts a task. Times are RFC 3339 in UTC, or without a
// zone where the task means the local time; periods are as in XML (PT900S).
type Trigger struct {
	Kind         string     `json:"kind"` // boot, registration, idle, time, calendar, event, logon, session_change, wnf_state; "unknown 0x…"
	ID           jsonl.Text `json:"id,omitempty"`
	Enabled      *bool      `json:"enabled,omitempty"`
	Start        jsonl.Text `json:"start,omitempty"`
	End          jsonl.Text `json:"end,omitempty"`
	Delay        jsonl.Text `json:"delay,omitempty"`
	TimeLimit    jsonl.Text `json:"time_limit,omitempty"`
	Interval     jsonl.Text `json:"interval,omitempty"` // of repetition
	Duration     jsonl.Text `json:"duration,omitempty"` // of repetition
	Schedule     jsonl.Text `json:"schedule,omitempty"` // days, weeks and months, as the form says them
	User         jsonl.Text `json:"user,omitempty"`
	State        jsonl.Text `json:"state,omitempty"`        // of a session change or WNF state
	Subscription jsonl.Text `json:"subscription,omitempty"` // of events: the query
}

// seconds writes a period as XML does; "" for none (0 or all ones).
func seconds(n uint32) jsonl.Text {
	if n == 0 || n == 1<<32-1 {
		return ""
	}
	return jsonl.Text("PT" + strconv.FormatUint(uint64(n), 10) + "S")
}
