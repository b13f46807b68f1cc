// Package stream is a packager.Disk whose files go to a destination while they are
// written, so that nothing is written to the examined machine: what was flushed is
// acknowledged there. Begin with Disk; file.go sends and sends again, rest.go is what is
// left here when the link is lost for good.
package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"hozen/packager"
	"hozen/service/deliver"
)

// Options say where to, and what is done when that is lost.
type Options struct {
	To    deliver.Destination
	Place string // To in words, for errors and for whoever completes the rest
	// Rest is the folder where the rest goes when the link is lost; "" : the collection ends.
	Rest string
	// Retry is how long a lost link is tried again before it is given up; 0: 45 s.
	Retry time.Duration
	// Told is called when the link is lost, is back (nil), or is given up. May be nil.
	Told func(State, error)
}

// State is how the link is.
type State int

// States.
const (
	Lost State = iota // it is tried again
	Back
	GivenUp // what follows goes to Rest, or the collection ends
)

// A Disk is one collection's. Its files are the archive and the custody log.
type Disk struct {
	ctx context.Context
	o   Options

	mu    sync.Mutex
	lost  error // why the link was given up
	files []*file
}

// ErrLost says that the destination is lost, and there is no other place.
var ErrLost = errors.New("the destination is lost")

// New makes a disk. When ctx ends, nothing is sent any more.
func New(ctx context.Context, o Options) *Disk {
	if o.Retry == 0 {
		o.Retry = 45 * time.Second
	}
	if o.Told == nil {
		o.Told = func(State, error) {}
	}
	return &Disk{ctx: ctx, o: o}
}

const partialSuffix = ".partial"

// Create implements packager.Disk. At the destination a file has its last name from the
// beginning; the destination knows how to show that it is not whole.
func (d *Disk) Create(name string) (packager.File, error) {
	f := &file{d: d, local: name, name: strings.TrimSuffix(name, partialSuffix)}
	f.begin()
	u, err := d.o.To.Open(d.ctx, f.name)
	if err == nil && u.Offset() > 0 {
		err = fmt.Errorf("%s: %w", f.name, os.ErrExist)
	}
	if err != nil {
		return nil, err
	}
	f.u = u
	d.mu.Lock()
	d.files = append(d.files, f)
	d.mu.Unlock()
	return f, nil
}

// Append implements packager.Disk: nothing that is there is opened again.
func (d *Disk) Append(name string) (packager.File, error) {
	return nil, &os.PathError{Op: "append", Path: name, Err: errors.ErrUnsupported}
}

// Rename implements packager.Disk: the archive is whole. It is ended at the destination,
// and so is the custody log.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	files := d.files
	d.mu.Unlock()
	for _, f := range files {
		if f.local == from && f.name != to {
			return fmt.Errorf("%s: cannot be called %s", from, to)
		}
		if err := f.commit(); err != nil {
			return err
		}
	}
	return nil
}

// Arrived says where a file is.
type Arrived struct {
	Name   string
	Bytes  int64
	SHA256 string
	// Proof is why the whole file is believed to be there; "" if it is not.
	Proof deliver.Proof
	// Rest is the local file that has what was not sent, from byte From on; if From is 0
	// it is the whole file, as if nothing had been sent. "" : there is none.
	Rest string
	From int64
}

// Arrived tells of all files, in the order in which they were made.
func (d *Disk) Arrived() (all []Arrived) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		all = append(all, f.arrived())
	}
	return all
}

// Lost says why the link was given up; nil if it was not.
func (d *Disk) Lost() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}

// giveUp is told by the first file that has lost the link; the others believe it.
func (d *Disk) giveUp(err error) {
	d.mu.Lock()
	first := d.lost == nil
	if first {
		d.lost = err
	}
	d.mu.Unlock()
	if first {
		d.o.Told(GivenUp, err)
	}
}
