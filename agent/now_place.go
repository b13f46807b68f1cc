package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"hozen/collector/volatile"
	"hozen/packager/evidence/sorting"
)

// A drive is a place that can be written to.
type drive struct {
	dir  string
	own  bool // the machine's own disk: writing there overwrites what was deleted
	free uint64
	kind string // of its file system
}

// shownDrives is how many removable drives are offered; slowDrive is how long one may
// take to say how much room it has.
const (
	shownDrives = 8
	slowDrive   = 2 * time.Second
)

// drives lists where an archive can be written: removable drives, the one with most room
// first; then the folder that we are in.
func (a *app) drives(ctx context.Context) (list []drive) {
	if a.places != nil {
		return a.places(ctx)
	}
	here := a.host("/")
	removable, _ := volatile.RemovablePlaces(here) // without them there is the folder that we are in
	removable = removable[:min(len(removable), shownDrives)]
	found := make([]*drive, len(removable))
	var all sync.WaitGroup
	for i, p := range removable {
		all.Go(func() {
			if d, ok := a.lookAt(ctx, p.Mount); ok {
				d.own, d.kind = false, p.FileSystem
				found[i] = &d
			}
		})
	}
	all.Wait()
	for _, d := range found {
		if d != nil {
			list = append(list, *d)
		}
	}
	sorting.By(list, func(x, y drive) int { return cmp.Compare(y.free, x.free) })
	dir, err := os.Getwd()
	if err != nil {
		dir = os.TempDir()
	}
	for _, d := range list {
		if within(dir, d.dir) {
			return list
		}
	}
	if d, ok := a.lookAt(ctx, dir); ok {
		list = append(list, d)
	}
	return list
}

func within(dir, top string) bool {
	rel, err := filepath.Rel(top, dir)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// lookAt says whether and how a folder can be written to. A drive that does not answer is
// left out.
func (a *app) lookAt(ctx context.Context, dir string) (drive, bool) {
	got := make(chan *drive, 1)
	go func() {
		if writable(dir) != nil {
			got <- nil
			return
		}
		p, _ := volatile.OutputDisk(a.host("/"), dir) // what it does not know it leaves empty
		got <- &drive{dir: dir, own: p.OnExamined, free: p.FreeBytes, kind: p.FileSystem}
	}()
	select {
	case d := <-got:
		if d == nil {
			return drive{}, false
		}
		return *d, true
	case <-time.After(slowDrive):
	case <-ctx.Done():
	}
	return drive{}, false
}

// where asks for the folder to write to.
func (t *talk) where(ctx context.Context) (string, error) {
	for {
		list := t.a.drives(ctx)
		t.showDrives(list)
		usual := ""
		if len(list) > 0 {
			usual = "1"
		}
		dir, err := t.ask(ctx, t.a.text(mNowWhere), usual, func(answer string) (string, error) { return t.place(ctx, list, answer) })
		if dir != lookAgain || err != nil {
			return dir, err
		}
	}
}

// lookAgain is the answer of who plugged a drive in.
const lookAgain = "r"

func (t *talk) showDrives(list []drive) {
	if len(list) == 0 || list[0].own {
		t.say(mNowNoDrive)
	}
	for i, d := range list {
		m := mNowDrive
		if d.own {
			m = mNowOwnDisk
		}
		t.say(m, i+1, escape(d.dir), bytesText(int64(min(d.free, 1<<62))), escape(d.kind))
	}
}

// place finds the folder that an answer means: a number of the list, or a path.
func (t *talk) place(ctx context.Context, list []drive, answer string) (string, error) {
	if strings.EqualFold(answer, lookAgain) {
		return lookAgain, nil
	}
	if n, err := strconv.Atoi(answer); err == nil {
		if n < 1 || n > len(list) {
			return "", errors.New(t.a.text(mNowNoNumber))
		}
		t.warnOwn(list[n-1])
		return list[n-1].dir, nil
	}
	if answer == "" {
		return "", errors.New(t.a.text(mNowNoNumber))
	}
	dir, err := filepath.Abs(answer)
	if err != nil {
		return "", err
	}
	if err := writable(dir); err != nil {
		return "", err
	}
	if d, ok := t.a.lookAt(ctx, dir); ok {
		t.warnOwn(d)
	}
	return dir, nil
}

// warnOwn says what the machine's own disk loses.
func (t *talk) warnOwn(d drive) {
	if d.own {
		t.say(mNowOwnChosen)
	}
}
