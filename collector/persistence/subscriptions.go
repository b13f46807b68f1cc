package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/task"
	"hozen/collector/persistence/wmi"
	"hozen/packager/evidence"
)

// A SubscriptionRow is one instance in WMI's repository: a filter (what is waited for),
// a consumer (what is done), a binding of both, or a timer.
type SubscriptionRow struct {
	Class     jsonl.Text `json:"class"`
	Consumer  bool       `json:"consumer,omitempty"`
	Namespace jsonl.Text `json:"namespace,omitempty"`
	// State is live for what is in force; else how what is left of it was found: package wmi.
	State      wmi.State      `json:"state"`
	Name       jsonl.Text     `json:"name,omitempty"`
	Query      jsonl.Text     `json:"query,omitempty"`    // of a filter
	Filter     jsonl.Text     `json:"filter,omitempty"`   // of a binding: the path of the filter
	BoundTo    jsonl.Text     `json:"bound_to,omitempty"` // of a binding: the path of the consumer
	CreatorSID string         `json:"creator_sid,omitempty"`
	Written    []string       `json:"written,omitempty"` // two times of the record
	Offset     int64          `json:"offset"`            // in OBJECTS.DATA
	Properties map[string]any `json:"properties,omitempty"`
	Strings    []jsonl.Text   `json:"strings,omitempty"` // of the record, where its properties could not be read
	Command    *CommandRow    `json:"command,omitempty"` // what a CommandLineEventConsumer runs
	Script     *CommandRow    `json:"script,omitempty"`  // the file of an ActiveScriptEventConsumer
	Reason     jsonl.Text     `json:"reason,omitempty"`
}

const (
	maxMapping = 64 << 20
	maxShown   = 256 // strings of one record
)

// subscriptions puts the table of WMI's subscriptions. The raw files are taken by disk.
func (j *job) subscriptions() error {
	dir := j.env["SYSTEMROOT"] + `\System32\wbem\Repository`
	return j.put("wmi", dir, func(t *table) {
		objects, size, err := j.files.open(dir + `\OBJECTS.DATA`)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = evidence.NotHere("no %s", dir+`\OBJECTS.DATA`)
			}
			t.err = err
			return
		}
		defer objects.Close()
		in := wmi.Files{Objects: objects, ObjectsSize: size}
		if index, size, err := j.files.open(dir + `\INDEX.BTR`); err == nil {
			defer index.Close()
			in.Index, in.IndexSize = index, size
		} else {
			t.tally.Add("INDEX.BTR", err)
		}
		for i := range 3 {
			b, name, err := j.files.read(fmt.Sprintf(`%s\MAPPING%d.MAP`, dir, i+1), maxMapping)
			if err == nil {
				in.Mappings = append(in.Mappings, b)
			} else if !errors.Is(err, fs.ErrNotExist) {
				t.tally.Add(name, err)
			}
		}
		all, err := wmi.Read(j.ctx, in)
		t.tally.Add(dir, err)
		for i := range all {
			t.row(j.subscription(&all[i]))
		}
	})
}

func (j *job) subscription(i *wmi.Instance) *SubscriptionRow {
	row := &SubscriptionRow{
		Class: jsonl.Text(i.Class), Consumer: i.Consumer, Namespace: jsonl.Text(i.Namespace), State: i.State, Offset: i.Offset,
		Name: cut(i.Text("Name")), Query: cut(i.Text("Query")), Filter: cut(i.Text("Filter")), BoundTo: cut(i.Text("Consumer")),
	}
	for _, at := range i.Written {
		if s := stamp(at); s != "" {
			row.Written = append(row.Written, s)
		}
	}
	for _, p := range i.Properties {
		if row.Properties == nil {
			row.Properties = map[string]any{}
		}
		value := p.Value
		switch v := value.(type) {
		case string:
			value = cut(v)
		case []byte:
			if p.Name == "CreatorSID" {
				row.CreatorSID = task.SID(v)
			}
			value = raw(v)
		}
		row.Properties[p.Name] = value
	}
	if i.Err != nil {
		row.Reason = jsonl.Text(i.Err.Error())
	}
	if len(i.Properties) == 0 {
		for _, s := range i.Strings[:min(len(i.Strings), maxShown)] {
			row.Strings = append(row.Strings, cut(s))
		}
	}
	switch {
	case i.Text("CommandLineTemplate") != "":
		row.Command = j.program(i.Text("CommandLineTemplate"), j.env, false)
		if exe := i.Text("ExecutablePath"); exe != "" {
			row.Command = j.program(`"`+strings.Trim(exe, `"`)+`" `+i.Text("CommandLineTemplate"), j.env, false)
		}
	case i.Text("ScriptFileName") != "":
		row.Script = j.library(i.Text("ScriptFileName"), false, j.env, false)
	}
	return row
}
