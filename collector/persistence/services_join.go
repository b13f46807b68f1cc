package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/persistence/command"
	"hozen/collector/persistence/scm"
	"hozen/collector/registry/hive"
)

func hiveFold(s string) string { return hive.Fold(s) }

// joinServices joins the views and writes the rows: those of the registry in its order,
// then those that only the SCM has, then images of the kernel that no service names.
func (j *job) joinServices(t *table, rows []*ServiceRow, v *liveViews) {
	byName := map[string]*ServiceRow{}
	for _, r := range rows {
		if !r.Registry.HiddenName {
			byName[hive.Fold(string(r.Name))] = r
		}
	}
	for _, s := range v.view.Services {
		r := byName[hive.Fold(s.Name)]
		if r == nil {
			r = &ServiceRow{Name: jsonl.Text(s.Name)}
			byName[hive.Fold(s.Name)] = r
			rows = append(rows, r)
		}
		r.Views = append(r.Views, "scm")
		r.SCM = listed(s)
	}
	for name, opened := range v.view.Opened {
		r := byName[hive.Fold(name)]
		if r == nil {
			continue
		}
		if r.SCM == nil && opened == nil {
			r.SCM = &ServiceSCM{}
			r.Views = append(r.Views, "scm")
		}
		if r.SCM == nil && !noSuchService(opened) {
			r.SCM = &ServiceSCM{}
		}
		if r.SCM != nil && opened != nil {
			r.SCM.Reason = jsonl.Text(opened.Error())
		}
		if c, ok := v.view.Configs[name]; ok && r.SCM != nil {
			r.SCM.config(c)
		}
	}
	left := j.joinLoaded(rows, v.loaded)
	for _, r := range rows {
		j.finish(r, v)
		t.row(r)
	}
	for _, d := range left {
		path := command.Plain(d.Path, j.env["SYSTEMROOT"])
		row := ServiceRow{Name: jsonl.Text(base(d.Path)), Views: []string{"loaded"}, Loaded: []LoadedDriver{loadedDriver(d)}, Command: j.driver(path, "")}
		t.row(&row)
	}
}

func listed(s scm.Service) *ServiceSCM {
	return &ServiceSCM{
		Listed: true, State: scm.StateText(s.State), PID: s.PID, ExitCode: s.ExitCode, Controls: s.Controls,
		Type: scm.TypeText(s.Type), DisplayName: cut(s.DisplayName),
	}
}

func (r *ServiceSCM) config(c scm.Config) {
	r.Type, r.Start, r.BinaryPath, r.Account = scm.TypeText(c.Type), scm.StartText(c.Start), cut(c.BinaryPath), cut(c.Account)
	r.DisplayName, r.Description, r.Delayed = cut(c.DisplayName), cut(c.Description), c.Delayed
	if c.SIDType != 0 {
		r.SIDType = scm.SIDText(c.SIDType)
	}
	if c.Protected != 0 {
		r.Protected = scm.ProtectedText(c.Protected)
	}
	r.Privileges, r.Triggers = jsonl.Texts(c.Privileges), c.Triggers
	r.FailureCommand, r.FailureActions, r.FailureOnError = cut(c.Failure.Command), c.Failure.Actions, c.Failure.OnError
}

// joinLoaded gives each driver the images that are loaded from its file, and returns
// those that no service names.
func (j *job) joinLoaded(rows []*ServiceRow, loaded []ntapi.Driver) (left []ntapi.Driver) {
	byPath := map[string]*ServiceRow{}
	for _, r := range rows {
		if path, ok := j.driverPath(r); ok {
			byPath[hive.Fold(path)] = r
		}
	}
	for _, d := range loaded {
		r := byPath[hive.Fold(command.Plain(d.Path, j.env["SYSTEMROOT"]))]
		if r == nil {
			left = append(left, d)
			continue
		}
		if len(r.Loaded) == 0 {
			r.Views = append(r.Views, "loaded")
		}
		r.Loaded = append(r.Loaded, loadedDriver(d))
	}
	return left
}

// driverPath is the file of a driver.
func (j *job) driverPath(r *ServiceRow) (string, bool) {
	switch {
	case r.Registry != nil && r.Registry.driver:
		return j.env.Driver(string(r.Registry.ImagePath), string(r.Name)), true
	case r.Registry == nil && r.SCM != nil && strings.Contains(r.SCM.Type, "driver"):
		return j.env.Driver(string(r.SCM.BinaryPath), string(r.Name)), true
	}
	return "", false
}

func loadedDriver(d ntapi.Driver) LoadedDriver {
	return LoadedDriver{Path: jsonl.Text(d.Path), Base: d.Base, Size: d.Size, LoadOrder: d.LoadOrder}
}

func base(path string) string { return path[strings.LastIndexByte(path, '\\')+1:] }

// finish looks at the files that a service names, and at what does not agree.
func (j *job) finish(r *ServiceRow, v *liveViews) {
	image := jsonl.Text("")
	if r.Registry != nil {
		image = r.Registry.ImagePath
	} else if r.SCM != nil {
		image = r.SCM.BinaryPath
	}
	if _, driver := j.driverPath(r); driver {
		r.Command = j.driver(string(image), string(r.Name))
	} else {
		r.Command = j.program(string(image), j.env, false)
	}
	if r.Registry != nil {
		if r.Registry.DLL != "" {
			r.ServiceDLL = j.library(string(r.Registry.DLL), false, j.env, false)
		}
		r.FailureCommand = j.program(string(r.Registry.FailureCommand), j.env, false)
	}
	if v.asked && v.err == nil {
		r.disagree(v)
	}
}

// disagree says what the views of a running system have different.
func (r *ServiceRow) disagree(v *liveViews) {
	say := func(format string, a ...any) {
		r.Disagreements = append(r.Disagreements, jsonl.Text(fmt.Sprintf(format, a...)))
	}
	switch {
	case r.Registry == nil:
		say("the SCM has it, the registry does not: its key was deleted since the start, or is hidden")
		return
	case r.SCM == nil && r.Registry.Type != "" && !r.Registry.HiddenName:
		say("the registry has it, the SCM does not: it was added without the SCM, or deleted there since the start")
	case r.SCM != nil && !r.SCM.Listed && r.SCM.Reason != "":
		say("the SCM does not list it, and refuses to open it")
	case r.SCM != nil && !r.SCM.Listed:
		say("the SCM does not list it, though it knows it: its security descriptor hides it")
	}
	if r.Registry.HiddenName {
		say("a NUL is in its name")
	}
	if r.SCM != nil && r.SCM.Start != "" {
		for _, f := range []struct {
			what          string
			registry, scm string
		}{
			{"start", r.Registry.Start, r.SCM.Start},
			{"program", string(r.Registry.ImagePath), string(r.SCM.BinaryPath)},
			{"account", string(r.Registry.Account), string(r.SCM.Account)},
		} {
			if f.registry != "" && !strings.EqualFold(f.registry, f.scm) {
				say("%s: the registry has %q, the SCM %q", f.what, f.registry, f.scm)
			}
		}
	}
	if r.Registry.driver && v.driversErr == nil && len(v.loaded) > 0 {
		running := r.SCM != nil && r.SCM.State == "running"
		if running && len(r.Loaded) == 0 {
			say("the SCM says that the driver runs, but the kernel has no image of its file")
		}
		if !running && r.SCM != nil && r.SCM.Listed && len(r.Loaded) > 0 {
			say("the kernel has an image of its file, but the SCM says %s", r.SCM.State)
		}
	}
}

// noSuchService says whether the SCM knows no service of that name
// (ERROR_SERVICE_DOES_NOT_EXIST).
func noSuchService(err error) bool {
	const serviceDoesNotExist = 1060
	return errors.Is(err, syscall.Errno(serviceDoesNotExist)) || errors.Is(err, fs.ErrNotExist)
}

// rawName names an answer in the item of raw answers, with the address that its pointers
// count from.
func rawName(r scm.Raw) string { return fmt.Sprintf("%s at %#x", r.Call, r.Answer.Base) }

// trimZeros leaves out the part of a buffer that the system has not written.
func trimZeros(b []byte) []byte { return bytes.TrimRight(b, "\x00") }
