package export

import (
	"encoding/json"
	"path"
	"strings"
	"time"
)

// A timed table is one whose rows have times worth telling.
type timed struct {
	item  string // pattern of path.Match, below data/
	kind  string // what the rows are, for data_type
	times []timeField
	// say are the fields that the message is made of; those that stand in fields of their
	// own as well are in keep. Both name fields of the row; "a.b" is b in the object a, and
	// "a=b" keeps b as a. None has the name of a field that is not the row's.
	say, keep []string
}

// A timeField is a field with a time, or with a list of them, and what it means.
type timeField struct{ field, desc string }

// Descriptions of times that several tables have, as Plaso words them.
const (
	modified = "Content Modification Time"
	accessed = "Last Access Time"
	changed  = "Metadata Modification Time"
	created  = "Creation Time"
	written  = "Last Written Time"
)

// timedTables are the tables that are told to Timesketch.
func timedTables() []timed {
	return []timed{
		{"disk/timeline.jsonl", "fs:stat", []timeField{{"mtime", modified}, {"atime", accessed}, {"ctime", changed}, {"btime", created}},
			[]string{"path", "link_target", "kind"}, []string{"path", "kind", "inode", "size"}},
		{"volatile/processes.jsonl", "process", []timeField{{"start", "Process Start Time"}},
			[]string{"pid", "comm", "name", "exe.path", "image", "argv", "command_line"}, []string{"pid", "ppid", "comm", "name", "image", "command_line"}},
		{"volatile/sockets.jsonl", "socket", []timeField{{"created", "Socket Creation Time"}},
			[]string{"protocol", "local_addr", "local_port", "remote_addr", "remote_port", "state"},
			[]string{"protocol", "local_addr", "local_port", "remote_addr", "remote_port", "state"}},
		{"volatile/sessions.jsonl", "session", []timeField{{"time", "Login Record Time"}, {"logon_time", "Logon Time"}, {"logoff_time", "Logoff Time"},
			{"connected", "Session Connection Time"}, {"disconnected", "Session Disconnection Time"}, {"last_input", "Last Input Time"},
			{"last_logon", "Last Logon Time"}, {"last_failed_logon", "Last Failed Logon Time"}, {"password_set", "Password Change Time"}},
			[]string{"kind", "type_name", "logon_type", "user", "owner", "domain", "line", "host", "address", "client_name", "client_address", "state"},
			[]string{"user", "from_host=host", "address", "line", "domain", "client_address"}},
		{"disk/parsed/usn.jsonl", "ntfs:usn", []timeField{{"time", changed}}, []string{"full_path", "name", "reasons"}, []string{"full_path", "name"}},
		{"disk/parsed/prefetch.jsonl", "windows:prefetch", []timeField{{"last_runs", "Last Time Executed"}}, []string{"executable", "path", "run_count"}, []string{"executable", "path"}},
		{"disk/parsed/recyclebin.jsonl", "windows:recyclebin", []timeField{{"deleted", "Content Deletion Time"}}, []string{"name", "size"}, []string{"name"}},
		{"persistence/autoruns.jsonl", "windows:autorun", []timeField{{"written", written}},
			[]string{"category", "key", "value_name", "data"}, []string{"key", "value_name", "data", "category"}},
		{"persistence/services.jsonl", "windows:service", []timeField{{"registry.written", written}},
			[]string{"name", "registry.image_path", "registry.dll"}, []string{"name"}},
		{"persistence/tasks.jsonl", "windows:task", []timeField{{"created", created}, {"written", written}}, []string{"path", "name", "uri"}, []string{"path", "name"}},
		{"*/flows.jsonl", "network:flow", []timeField{{"start", "First Packet Time"}},
			[]string{"proto", "orig", "orig_port", "resp", "resp_port", "service", "conn_state"}, []string{"orig", "orig_port", "resp", "resp_port", "service"}},
	}
}

// tableOf finds the table of an item, by its path in the archive.
func tableOf(all []timed, member string) *timed {
	item, ok := strings.CutPrefix(member, "data/")
	if !ok {
		return nil
	}
	for i := range all {
		if match, err := path.Match(all[i].item, item); err == nil && match {
			return &all[i]
		}
	}
	return nil
}

// A row is an object of a table.
type row map[string]json.RawMessage

// field gives a field of a row; "a.b" is b in the object a.
func (r row) field(name string) json.RawMessage {
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		return r[name]
	}
	var in row
	if json.Unmarshal(r[outer], &in) != nil {
		return nil
	}
	return in[inner]
}

// texts gives a field as text: strings as they are, numbers and truths as JSON has them,
// of a list its elements. An object that is no text gives nothing.
func (r row) texts(name string) (all []string) {
	raw := r.field(name)
	var list []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	for _, one := range list {
		if s, ok := text(one); ok {
			all = append(all, s)
		} else if len(one) > 0 && one[0] != '{' && one[0] != '[' && string(one) != "null" {
			all = append(all, string(one))
		}
	}
	return all
}

// times gives the times of a field that a line can tell.
func (r row) times(name string) (all []time.Time) {
	for _, s := range r.texts(name) {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 {
			all = append(all, t.UTC())
		}
	}
	return all
}
