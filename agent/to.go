package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/service/config"
	"hozen/service/deliver"
	"hozen/service/deliver/stream"
	"hozen/service/protocol"
)

// toOptions are the flags of commands that bring something to a destination.
type toOptions struct {
	to, credentials string
	config          string    // of the service, which knows the hub
	hub             *hubPlace // once it is open
	rate            int64
	retry           time.Duration // how long a lost link is tried again; 0: as stream has it
	o               deliver.Options
}

func (t *toOptions) given() bool { return t.to != "" }

// toFlags adds the flags; what is the text of --to.
func (a *app) toFlags(c *cobra.Command, t *toOptions, what message) {
	f := c.Flags()
	f.StringVar(&t.to, "to", "", a.text(what))
	f.StringVar(&t.config, "to-config", config.DefaultFile(), a.text(mFlagToConfig))
	f.StringVar(&t.credentials, "to-credentials", "", a.text(mFlagToCredentials))
	f.StringVar(&t.o.Pin, "to-pin", "", a.text(mFlagToPin))
	f.StringVar(&t.o.CAFile, "to-ca", "", a.text(mFlagToCA))
	f.Func("resolve", a.text(mFlagResolve), func(s string) error {
		name, addr, err := deliver.ParseResolve(s)
		if err != nil {
			return err
		}
		if t.o.Resolve == nil {
			t.o.Resolve = map[string]netip.Addr{}
		}
		t.o.Resolve[name] = addr
		return nil
	})
	f.Func("limit-rate", a.text(mFlagLimitRate), func(s string) (err error) {
		t.rate, err = parseSize(s)
		return err
	})
	f.BoolVar(&t.o.ReadBack, "read-back", false, a.text(mFlagReadBack))
}

// again is what a later delivery to the same destination is called with, as a shell reads it.
func (t *toOptions) again() string {
	line := " --to " + escape(shellWord(t.to))
	file := t.config
	if t.hub == nil || file == config.DefaultFile() {
		file = ""
	}
	for _, f := range []struct{ flag, value string }{{"--to-config", file}, {"--to-credentials", t.credentials}, {"--to-pin", t.o.Pin}, {"--to-ca", t.o.CAFile}} {
		if f.value != "" {
			line += " " + f.flag + " " + escape(shellWord(f.value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.o.Resolve)) {
		line += " --resolve " + escape(shellWord(name+"="+t.o.Resolve[name].String()))
	}
	return line
}

// open makes the destination; nothing is connected yet. An error is one of the command line.
func (t *toOptions) open(a *app) (deliver.Place, deliver.Destination, error) {
	p, err := deliver.Parse(t.to)
	if err != nil {
		return p, nil, usage(fmt.Errorf("--to: %w", err), a.text(mHintTo))
	}
	if p.Kind == deliver.Hub {
		if t.hub, err = a.openHub(t.config); err != nil {
			return p, nil, fail(fmt.Errorf("--to hub: %w", err), a.text(mHintToHub))
		}
		return p, deliver.Limited(t.hub, t.rate), nil
	}
	o := t.o
	o.Rate, o.Stall = t.rate, 20*time.Second
	if t.credentials != "" {
		if o.Credentials, err = deliver.ReadCredentials(t.credentials); err != nil {
			return p, nil, fail(err, a.text(mHintCredentials))
		}
	}
	d, err := deliver.New(p, o)
	if err != nil {
		return p, nil, usage(fmt.Errorf("--to: %w", err), a.text(mHintTo))
	}
	return p, d, nil
}

// toRun is a collection that goes to a destination.
type toRun struct {
	place deliver.Place
	d     deliver.Destination
	disk  *stream.Disk // nil: the destination was not to be had; it is delivered later
}

// at is where a file is, for people.
func (t *toRun) at(name string) string {
	if t.place.Kind == deliver.Directory {
		return path.Join(t.place.Path, name)
	}
	if s := t.place.String(); s[len(s)-1] == '/' {
		return s + name
	}
	return t.place.String() + "/" + name
}

// openOutput makes sure that there is a place to write to, before anything is taken.
func (c *collection) openOutput(ctx context.Context) error {
	if !c.o.to.given() {
		return writable(c.o.out)
	}
	if c.o.out != "" {
		if err := writable(c.o.out); err != nil {
			return err
		}
	}
	p, d, err := c.o.to.open(c.a)
	if err != nil {
		return err
	}
	c.to = &toRun{place: p, d: d}
	if p.Whole() {
		err = deliver.ErrNeedsSize
	} else {
		try, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		err = d.Try(try)
	}
	switch {
	case err == nil:
		c.to.disk = stream.New(context.WithoutCancel(ctx), stream.Options{To: d, Place: p.String(), Rest: c.o.out, Retry: c.o.to.retry, Told: c.linkTold})
	case c.o.out == "":
		return fail(fmt.Errorf("%s: %w", p, err), c.a.text(mHintTry))
	default:
		c.ui.warn("destination_not_there", c.a.text(mWarnTo, escape(p.String()), c.a.why(err), escape(c.o.out)))
	}
	return nil
}

// output is the disk that the archive is written to.
func (c *collection) output() packager.Disk {
	if c.streams() {
		return c.to.disk
	}
	return c.a.disk(c.o.out)
}

func (c *collection) streams() bool { return c.to != nil && c.to.disk != nil }

// letGo closes the connection, and what else the collection holds.
func (c *collection) letGo() {
	c.close()
	if c.to != nil {
		deliver.Close(c.to.d)
	}
}

// linkTold says what becomes of the link, loudly.
func (c *collection) linkTold(s stream.State, err error) {
	a, place := c.a, escape(c.to.place.String())
	c.ui.mu.Lock()
	defer c.ui.mu.Unlock()
	switch {
	case s == stream.Lost:
		c.ui.say("link_lost", 0, a.text(mLinkLost, place, c.a.why(err)))
	case s == stream.Back:
		c.ui.say("link_back", 0, a.text(mLinkBack, place))
	case c.o.out != "":
		c.ui.warn("destination_lost", a.text(mLinkGivenUp, place, c.a.why(err), escape(c.o.out)))
	default:
		c.ui.warn("destination_lost", a.text(mLinkGivenUpAll, place, c.a.why(err)))
	}
}

// delivery says what became of the files at the destination: a part of the summary.
type delivery struct {
	To    string          `json:"to"`
	Error string          `json:"error,omitempty"` // why not all is there
	Files []deliveredFile `json:"files"`
	// Receipt is the hub's signed word, and Verdict what it says.
	Receipt *protocol.SignedReceipt `json:"receipt,omitempty"`
	Verdict string                  `json:"verdict,omitempty"`
}

type deliveredFile struct {
	Name   string        `json:"name"`
	Bytes  int64         `json:"bytes"`
	SHA256 string        `json:"sha256"`
	Proof  deliver.Proof `json:"proof"`          // "acknowledged" or "read back"; "" : it is not there, or not whole
	Rest   string        `json:"rest,omitempty"` // local file that has what is missing there
	From   int64         `json:"rest_from,omitempty"`
}

// arrived completes the summary with where the files are now. local says that they are
// all here, whole.
func (c *collection) arrived(s *summary) (local bool) {
	d := &delivery{To: c.to.place.String(), Files: []deliveredFile{}}
	s.Delivery, local = d, true
	if err := c.to.disk.Lost(); err != nil {
		d.Error = escape(err.Error())
	}
	for _, f := range c.to.disk.Arrived() {
		d.Files = append(d.Files, deliveredFile(f))
		at := c.to.at(f.Name)
		if f.Rest != "" && f.From == 0 {
			at = f.Rest
		} else {
			local = false
		}
		if f.Name == packager.LogName(c.name) {
			s.Log = at
		} else {
			s.Archive = at
		}
	}
	return local
}

// lookAgain reads the archive again where it can be opened here; of one that is at a
// destination it says what is known. Nobody has verified that as an auditor would, so no
// verdict is claimed.
func (c *collection) lookAgain(s *summary) error {
	if !c.streams() || c.arrived(s) {
		return c.readBack(s)
	}
	whole := true
	for _, f := range s.Delivery.Files {
		whole = whole && f.Proof != ""
		if f.Name == c.archive() && f.SHA256 != s.SHA256 {
			return errors.New("other bytes were sent than were sealed")
		}
	}
	if whole && c.to.place.Kind == deliver.Directory {
		return c.readBack(s)
	}
	s.Verdict, s.ForAuditors = sealedOnly, string(packager.UntrustedSigner)
	c.askReceipt(s)
	if !whole {
		s.Exit = exitShort
	}
	return nil
}

// sealedOnly is the word for an archive that was sealed, and not verified.
const sealedOnly = "SEALED"

// outputFolder is the folder that the archive is written to; "" if it is none of here.
func (c *collection) outputFolder() string {
	if c.streams() && c.to.place.Kind == deliver.Directory {
		return c.to.place.Path
	}
	return c.o.out
}

// outputFlag is how the same output is asked for again.
func (c *collection) outputFlag() string {
	if c.o.out == "" {
		return "--to " + escape(shellWord(c.o.to.to))
	}
	return "--out " + escape(shellWord(c.o.out))
}
