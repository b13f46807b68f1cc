package persistence

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/task"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// taskFiles reads the files below System32\Tasks (and SysWOW64's, where 32-bit programs
// wrote) and the .job files in Windows\Tasks. keep is given each text.
func (j *job) taskFiles(found *taskSet, keep func(string, []byte, error) error, tally *evidence.Tally) {
	root := j.env["SYSTEMROOT"]
	for _, dir := range []string{root + `\System32\Tasks`, root + `\SysWOW64\Tasks`} {
		j.taskFolder(found, dir, "", 0, keep, tally)
	}
	names, _, err := j.files.dir(root + `\Tasks`)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		tally.Add(root+`\Tasks`, err)
	}
	for _, name := range names {
		if !strings.EqualFold(name[max(0, len(name)-4):], ".job") || j.ctx.Err() != nil {
			continue
		}
		if row := found.at(cleanPath(name[:len(name)-4])); row != nil && row.Job == nil {
			row.Job = j.jobFile(root+`\Tasks\`+name, keep)
			row.Views = append(row.Views, "job")
		}
	}
}

func (j *job) taskFolder(found *taskSet, dir, path string, depth int, keep func(string, []byte, error) error, tally *evidence.Tally) {
	names, host, err := j.files.dir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		tally.Add(dir, err)
	}
	if depth > maxTaskDepth {
		tally.Add(dir, evidence.Cut("over %d folders deep", maxTaskDepth))
		return
	}
	for _, name := range names {
		if j.ctx.Err() != nil {
			return
		}
		m, err := j.h.Lstat(host + "/" + name)
		if err != nil {
			tally.Add(dir+`\`+name, err)
			continue
		}
		switch {
		case m.Mode&evidence.ModeType == evidence.ModeDir:
			j.taskFolder(found, dir+`\`+name, path+`\`+name, depth+1, keep, tally)
		case m.Regular():
			row := found.at(path + `\` + name)
			if row != nil && row.XML != nil {
				row = found.at("") // in both folders
			}
			if row == nil {
				tally.Add(dir, evidence.Cut("%v", errTooManyTasks))
				return
			}
			row.XML = j.xmlFile(dir+`\`+name, keep)
			row.Views = append(row.Views, "xml")
		}
	}
}

// taskFile reads a file whole.
func (j *job) taskFile(path string, keep func(string, []byte, error) error) (b []byte, mtime, sum string, err error) {
	b, name, err := j.files.read(path, maxTaskFile)
	if m, statErr := j.h.Lstat(name); statErr == nil {
		mtime = stamp(m.Mtime)
	}
	if err == nil {
		sum = fmt.Sprintf("%x", sha256.Sum256(b))
	}
	return b, mtime, sum, fault.Join(err, keep(path, b, err))
}

func (j *job) xmlFile(path string, keep func(string, []byte, error) error) *TaskXML {
	b, mtime, sum, err := j.taskFile(path, keep)
	d, parseErr := task.ParseXML(b)
	if err = fault.Join(err, parseErr); parseErr != nil && len(b) == 0 {
		err = fault.Join(err, errors.New("empty"))
	}
	x := &TaskXML{
		File: jsonl.Text(path), Mtime: mtime, Size: int64(len(b)), SHA256: sum, Version: cut(d.Version), Author: cut(d.Author), Date: cut(d.Date),
		Description: cut(d.Description), URI: cut(d.URI), Source: cut(d.Source), SDDL: cut(d.SDDL), Principals: d.Principals, Context: cut(d.Context),
		Enabled: d.Enabled, Hidden: d.Hidden, Actions: d.Actions, Triggers: d.Triggers, Replaced: d.Replaced,
	}
	if err != nil {
		x.Reason = jsonl.Text(err.Error())
	}
	return x
}

func (j *job) jobFile(path string, keep func(string, []byte, error) error) *TaskJob {
	b, mtime, sum, err := j.taskFile(path, keep)
	d, parseErr := task.ParseJob(b)
	row := &TaskJob{
		File: jsonl.Text(path), Mtime: mtime, SHA256: sum, ID: d.ID, User: cut(d.User), Comment: cut(d.Comment), LastRun: d.LastRun, LastResult: task.Result(d.ExitCode),
		Enabled: d.Enabled(), Hidden: d.Hidden(), Triggers: d.Triggers,
	}
	if d.Command != "" {
		row.Actions = []task.Action{{Kind: "exec", Command: cut(d.Command), Arguments: cut(d.Arguments), WorkingDirectory: cut(d.WorkingDirectory)}}
	}
	if err := fault.Join(err, parseErr); err != nil {
		row.Reason = jsonl.Text(err.Error())
	}
	return row
}
