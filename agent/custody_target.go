package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hozen/packager"
	"hozen/packager/custody"
	"hozen/packager/evidence/fault"
)

// A target is the archive or the log that a custody command is about.
type target struct {
	dir, id string
	archive string // "" where only the log is here
	log     string
}

// targetOf takes the name of an archive or of its log. The other lies beside it.
func targetOf(name string) (t target, err error) {
	t.dir = filepath.Dir(name)
	if id, ok := strings.CutSuffix(filepath.Base(name), packager.LogName("")); ok {
		t.id, t.log = id, name
		for _, suffix := range []string{"", ".age"} {
			for _, n := range packager.FileNames(id) {
				if st, err := os.Stat(filepath.Join(t.dir, n+suffix)); t.archive == "" && err == nil && st.Mode().IsRegular() {
					t.archive = filepath.Join(t.dir, n+suffix)
				}
			}
		}
	} else {
		t.id, t.archive = idOf(strings.TrimSuffix(name, ".age")), name
		t.log = filepath.Join(t.dir, packager.LogName(t.id))
	}
	if !packager.ValidID(t.id) {
		return t, usage(fmt.Errorf("%s: neither an archive nor a custody log by its name", name), "")
	}
	return t, nil
}

// target is targetOf, of which the log is there: beside the archive, or where --log says.
// Both may have other names than they were given first: the log says whose it is.
func (a *app) target(name, log string) (t target, err error) {
	if log == "" {
		t, err = targetOf(name)
	} else if t = (target{dir: filepath.Dir(log), archive: name, log: log}); strings.HasSuffix(name, packager.LogName("")) {
		err = usage(fmt.Errorf("--log %s: %s is a custody log, too", log, name), "")
	}
	if err != nil {
		return t, hinted(err, a.text(mHintNoLog))
	}
	b, err := packager.ReadLogFile(t.log)
	if errors.Is(err, os.ErrNotExist) {
		return t, fail(fmt.Errorf("%s: its custody log is not there: %w", name, err), a.text(mHintNoLog))
	}
	if err != nil {
		return t, fail(err, "")
	}
	if events, _, _ := packager.ReadLog(b); len(events) > 0 {
		t.id = events[0].Collection
	}
	return t, nil
}

// hinted gives an error of ours a hint, if it has none.
func hinted(err error, hint string) error {
	var e *exitError
	if errors.As(err, &e) && e.hint == "" {
		return &exitError{code: e.code, err: e.err, hint: hint}
	}
	return err
}

// events reads the log of a target and what is in it. An error of the log itself is given
// with the events before it.
func (t target) events() (log []byte, events []packager.Event, err error) {
	log, err = packager.ReadLogFile(t.log)
	if err != nil {
		return nil, nil, fail(err, "")
	}
	events, _, err = packager.ReadLog(log)
	return log, events, err
}

// hash reads the archive anew.
func (t target) hash() (o packager.EventObject, err error) {
	if t.archive == "" {
		return o, fail(fmt.Errorf("%s: its archive is not beside it", t.log), "")
	}
	f, err := os.Open(t.archive)
	if err != nil {
		return o, fail(err, "")
	}
	o, err = custody.Hash(t.archive, f)
	if err = fault.Join(err, f.Close()); err != nil {
		return o, fail(err, "")
	}
	return o, nil
}
