package persistence

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/persistence/task"
	"hozen/collector/registry"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

const taskCacheKey = `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache`

// taskRegistry reads Tree, by which a task has a name, and Tasks, which has what it does.
func (j *job) taskRegistry(t *table, found *taskSet) {
	byID := map[string]*TaskRow{}
	tree, err := j.reg.Key(taskCacheKey + `\Tree`)
	if err == nil {
		defer tree.Close()
		above := len(tree.Path())
		err = tree.Walk(j.ctx, maxTaskDepth, func(k *registry.Key, err error) error {
			if err != nil {
				t.tally.Add(taskCacheKey, err)
				return nil
			}
			return t.tally.Add(taskCacheKey, treeTask(k, k.Path()[above:], found, byID))
		})
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.tally.Add(taskCacheKey+`\Tree`, err)
	}
	tasks, err := j.reg.Key(taskCacheKey + `\Tasks`)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.tally.Add(taskCacheKey+`\Tasks`, err)
		}
		return
	}
	defer tasks.Close()
	for k, err := range tasks.Each() {
		if err != nil {
			t.tally.Add(taskCacheKey+`\Tasks`, err)
			continue
		}
		if j.ctx.Err() != nil {
			return
		}
		c := cacheTask(k)
		row := byID[hiveFold(string(c.ID))]
		if row == nil {
			row = found.at(c.path)
		}
		if row != nil && row.Cache != nil { // two of one path
			row = found.at("")
		}
		if row == nil {
			t.tally.Add(taskCacheKey, evidence.Cut("%v", errTooManyTasks))
			return
		}
		row.Cache = c
		row.Views = append(row.Views, "tasks")
	}
}

// treeTask takes over a key below Tree, if it is a task and no folder.
func treeTask(k *registry.Key, path string, found *taskSet, byID map[string]*TaskRow) error {
	values, err := k.Values()
	tree := &TaskTree{Key: jsonl.Text(k.Path()), HiddenName: hidden(path), NoSD: true, noIndex: true}
	if err != nil {
		tree.Reason = jsonl.Text(err.Error())
	}
	is := err != nil
	for _, v := range values {
		switch hiveFold(v.Name) {
		case "ID":
			if text, ok := valueText(v); ok {
				tree.ID, is = cut(text), true
			}
		case "INDEX":
			if n, err := v.DWORD(); err == nil {
				tree.Index, tree.noIndex = fmt.Sprint(n), false
			}
		case "SD":
			tree.NoSD = false
			if len(v.Data) <= maxRaw {
				tree.SD = base64.StdEncoding.EncodeToString(v.Data)
			}
		}
	}
	if !is {
		return nil
	}
	if info, err := k.Info(); err == nil {
		tree.Written = stamp(info.Written)
	}
	row := found.at(path)
	if row == nil {
		return evidence.Cut("%v", errTooManyTasks)
	}
	row.Tree = tree
	row.Views = append(row.Views, "tree")
	if tree.ID != "" {
		byID[hiveFold(string(tree.ID))] = row
	}
	return nil
}

// cacheTask reads a key below Tasks.
func cacheTask(k *registry.Key) *TaskCache {
	c := &TaskCache{Key: jsonl.Text(k.Path()), ID: jsonl.Text(k.Name())}
	values, err := k.Values()
	reasons := []error{err}
	if info, err := k.Info(); err == nil {
		c.Written = stamp(info.Written)
	}
	for _, v := range values {
		text, _ := valueText(v)
		switch hiveFold(v.Name) {
		case "PATH":
			c.path = text
		case "AUTHOR":
			c.Author = cut(text)
		case "SOURCE":
			c.Source = cut(text)
		case "DESCRIPTION":
			c.Description = cut(text)
		case "DATE":
			c.Date = cut(text)
		case "URI":
			c.URI = cut(text)
		case "SECURITYDESCRIPTOR":
			c.SDDL = cut(text)
		case "HASH":
			c.Hash = fmt.Sprintf("%x", v.Data[:min(len(v.Data), 64)])
		case "ACTIONS":
			reasons = append(reasons, c.actions(v.Data))
		case "TRIGGERS":
			reasons = append(reasons, c.triggers(v.Data))
		case "DYNAMICINFO":
			reasons = append(reasons, c.dynamic(v.Data))
		}
	}
	if err := fault.Join(reasons...); err != nil {
		c.Reason = jsonl.Text(err.Error())
	}
	return c
}

func raw(b []byte) string { return base64.StdEncoding.EncodeToString(b[:min(len(b), maxRaw)]) }

func (c *TaskCache) actions(b []byte) error {
	c.RawActions = raw(b)
	a, err := task.ParseActions(b)
	c.Context, c.Actions = jsonl.Text(a.Context), a.List
	return wrap("Actions", err)
}

func (c *TaskCache) triggers(b []byte) error {
	c.RawTriggers = raw(b)
	t, err := task.ParseTriggers(b)
	c.Enabled, c.Hidden, c.Highest = t.Enabled(), t.Hidden(), t.Highest()
	c.Flags, c.XMLCRC32 = fmt.Sprintf("%#x", t.Flags), fmt.Sprintf("%08x", t.CRC32)
	c.SID, c.User, c.Settings, c.Triggers = jsonl.Text(t.SID), jsonl.Text(t.User), t.Settings, t.List
	return wrap("Triggers", err)
}

func (c *TaskCache) dynamic(b []byte) error {
	c.RawDynamicInfo = raw(b)
	d, err := task.ParseDynamicInfo(b)
	c.Created, c.LastRun, c.LastSuccess, c.LastResult = d.Created, d.LastRun, d.LastSuccess, task.Result(d.LastResult)
	return wrap("DynamicInfo", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// cleanPath is a task's path with a backslash in front, as the registry writes it.
func cleanPath(p string) string { return `\` + strings.TrimLeft(p, `\`) }
