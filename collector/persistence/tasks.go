package persistence

import (
	"errors"
	"io"
	"sort"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/task"
	"hozen/collector/registry/hive"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// A TaskRow is one scheduled task, of all its forms joined by path.
type TaskRow struct {
	Path          jsonl.Text   `json:"path,omitempty"` // \Microsoft\Windows\…; left out where no form has one
	Views         []string     `json:"views"`          // which of tree, tasks, xml, job have it
	Disagreements []jsonl.Text `json:"disagreements,omitempty"`
	Tree          *TaskTree    `json:"tree,omitempty"`
	Cache         *TaskCache   `json:"cache,omitempty"`
	XML           *TaskXML     `json:"xml,omitempty"`
	Job           *TaskJob     `json:"job,omitempty"`
	// Commands are what its actions run, once for each that differs between the forms.
	Commands []TaskCommand `json:"commands,omitempty"`
}

// A TaskCommand is what one action runs.
type TaskCommand struct {
	Action  task.Action `json:"action"`
	From    []string    `json:"from"` // the forms that have it: tasks, xml, job
	Command *CommandRow `json:"command,omitempty"`
}

// TaskTree is a key below TaskCache\Tree: the name of a task.
type TaskTree struct {
	Key        jsonl.Text `json:"key"`
	Written    string     `json:"written,omitempty"`
	HiddenName bool       `json:"hidden_name,omitempty"`
	ID         jsonl.Text `json:"id,omitempty"`
	Index      string     `json:"index,omitempty"` // 1 boot, 2 logon, 3 plain, 4 maintenance; 0 hides it
	// SD is its security descriptor in base64. Without one no tool of Windows shows the task.
	SD      string     `json:"sd,omitempty"`
	NoSD    bool       `json:"no_sd,omitempty"`
	Reason  jsonl.Text `json:"reason,omitempty"`
	noIndex bool
}

// TaskCache is a key below TaskCache\Tasks: what the scheduler does.
type TaskCache struct {
	Key            jsonl.Text     `json:"key"`
	Written        string         `json:"written,omitempty"`
	ID             jsonl.Text     `json:"id"`
	Author         jsonl.Text     `json:"author,omitempty"`
	Source         jsonl.Text     `json:"source,omitempty"`
	Description    jsonl.Text     `json:"description,omitempty"`
	Date           jsonl.Text     `json:"date,omitempty"` // as its author wrote it
	URI            jsonl.Text     `json:"uri,omitempty"`
	SDDL           jsonl.Text     `json:"sddl,omitempty"`
	Created        string         `json:"created,omitempty"`
	LastRun        string         `json:"last_run,omitempty"`
	LastSuccess    string         `json:"last_success,omitempty"`
	LastResult     string         `json:"last_result,omitempty"`
	Enabled        bool           `json:"enabled"`
	Hidden         bool           `json:"hidden,omitempty"`
	Highest        bool           `json:"highest,omitempty"` // with the highest rights that its user has
	SID            jsonl.Text     `json:"sid,omitempty"`
	User           jsonl.Text     `json:"user,omitempty"`
	Context        jsonl.Text     `json:"context,omitempty"`
	Flags          string         `json:"flags,omitempty"`
	XMLCRC32       string         `json:"xml_crc32,omitempty"` // of the XML, as the scheduler saw it
	Hash           string         `json:"hash,omitempty"`      // of the XML, as the scheduler saw it (SHA-256)
	Settings       task.Settings  `json:"settings"`
	Actions        []task.Action  `json:"actions,omitempty"`
	Triggers       []task.Trigger `json:"triggers,omitempty"`
	RawActions     string         `json:"raw_actions,omitempty"` // the values in base64
	RawTriggers    string         `json:"raw_triggers,omitempty"`
	RawDynamicInfo string         `json:"raw_dynamic_info,omitempty"`
	Reason         jsonl.Text     `json:"reason,omitempty"`
	path           string
}

// TaskXML is a file below System32\Tasks.
type TaskXML struct {
	File        jsonl.Text       `json:"file"`
	Mtime       string           `json:"mtime,omitempty"`
	Size        int64            `json:"size"`
	SHA256      string           `json:"sha256,omitempty"`
	Version     jsonl.Text       `json:"version,omitempty"`
	Author      jsonl.Text       `json:"author,omitempty"`
	Date        jsonl.Text       `json:"date,omitempty"`
	Description jsonl.Text       `json:"description,omitempty"`
	URI         jsonl.Text       `json:"uri,omitempty"`
	Source      jsonl.Text       `json:"source,omitempty"`
	SDDL        jsonl.Text       `json:"sddl,omitempty"`
	Principals  []task.Principal `json:"principals,omitempty"`
	Context     jsonl.Text       `json:"context,omitempty"`
	Enabled     bool             `json:"enabled"`
	Hidden      bool             `json:"hidden,omitempty"`
	Actions     []task.Action    `json:"actions,omitempty"`
	Triggers    []task.Trigger   `json:"triggers,omitempty"`
	Replaced    bool             `json:"replaced,omitempty"` // what is no text in it is U+FFFD here
	Reason      jsonl.Text       `json:"reason,omitempty"`
}

// TaskJob is a .job file of before Windows Vista. Its times are local ones.
type TaskJob struct {
	File       jsonl.Text     `json:"file"`
	Mtime      string         `json:"mtime,omitempty"`
	SHA256     string         `json:"sha256,omitempty"`
	ID         string         `json:"id,omitempty"`
	User       jsonl.Text     `json:"user,omitempty"`
	Comment    jsonl.Text     `json:"comment,omitempty"`
	LastRun    string         `json:"last_run,omitempty"`
	LastResult string         `json:"last_result,omitempty"`
	Enabled    bool           `json:"enabled"`
	Hidden     bool           `json:"hidden,omitempty"`
	Actions    []task.Action  `json:"actions,omitempty"`
	Triggers   []task.Trigger `json:"triggers,omitempty"`
	Reason     jsonl.Text     `json:"reason,omitempty"`
}

// Limits of all tasks together.
const (
	maxTasks     = 1 << 15
	maxTaskDepth = 32
	maxTaskFile  = 4 << 20
	maxTaskBytes = 64 << 20 // of texts that are kept
)

// tasks puts the texts of the files, and the table.
func (j *job) tasks() error {
	found := &taskSet{byPath: map[string]*TaskRow{}}
	var tally evidence.Tally
	item := evidence.Item{Path: "persistence/tasks/files.txt", Source: j.env["SYSTEMROOT"] + `\System32\Tasks, ` + j.env["SYSTEMROOT"] + `\Tasks`}
	err := j.to.Put(j.ctx, item, func(w io.Writer) error {
		left := maxTaskBytes
		keep := func(name string, b []byte, err error) error {
			tally.Add(name, err)
			if left -= len(b); left < 0 {
				return tally.Add(name, evidence.Cut("over %d bytes of texts", maxTaskBytes))
			}
			return section.Write(w, name, b, err)
		}
		j.taskFiles(found, keep, &tally)
		return tally.Err()
	})
	if err != nil {
		return err
	}
	return j.put("tasks", taskCacheKey+`, `+item.Source, func(t *table) {
		t.tally.Merge(&tally)
		j.taskRegistry(t, found)
		for _, row := range found.sorted() {
			j.finishTask(row)
			t.row(row)
		}
	})
}

// taskSet is the tasks found so far.
type taskSet struct {
	byPath map[string]*TaskRow
	all    []*TaskRow
}

// at gives the task of a path, made if it is new; nil if there are too many.
func (s *taskSet) at(path string) *TaskRow {
	folded := hive.Fold(path)
	if row := s.byPath[folded]; row != nil && path != "" {
		return row
	}
	if len(s.all) == maxTasks {
		return nil
	}
	row := &TaskRow{Path: jsonl.Text(path)}
	s.byPath[folded] = row
	s.all = append(s.all, row)
	return row
}

func (s *taskSet) sorted() []*TaskRow {
	sort.SliceStable(s.all, func(a, b int) bool { return s.all[a].Path < s.all[b].Path })
	return s.all
}

var errTooManyTasks = errors.New("more tasks than are taken")
