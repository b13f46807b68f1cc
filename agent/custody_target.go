package main

import (
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
