package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"hozen/collector/disk/known"
)

// knownLists reads the lists of --known; nil if there are none.
func (o *diskOptions) knownLists() (*known.Lists, error) {
	if len(o.known) == 0 {
		return nil, nil
	}
	var lists []*known.List
	for _, name := range o.known {
		l, err := loadKnown(name)
		if err != nil {
			return nil, fmt.Errorf("--known %w", err)
		}
		lists = append(lists, l)
	}
	return known.New(lists), nil
}

func loadKnown(name string) (*known.List, error) {
	f, err := openList(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	return known.Load(name, f)
}

// planKnown is what plan.json says of a list of known hashes.
type planKnown struct {
	File     string           `json:"file"`
	SHA256   string           `json:"sha256"`
	Size     int64            `json:"size"`
	Counts   map[string]int64 `json:"counts"`    // of hashes, by kind
	BadLines int64            `json:"bad_lines"` // which are not used
	Left     int64            `json:"left"`      // hashes for which there was no room
}

func planKnowns(lists *known.Lists) (out []planKnown) {
	for _, l := range lists.All() {
		out = append(out, planKnown{File: plain(l.Name), SHA256: l.SHA256, Size: l.Size, Counts: l.Counts, BadLines: int64(len(l.Bad)) + l.BadMore, Left: l.Left})
	}
	return out
}

// warnKnown says which lists are not used whole.
func (c *collection) warnKnown() {
	for _, l := range c.known.All() {
		if n := int64(len(l.Bad)) + l.BadMore; n > 0 {
			c.ui.warn("known_lines", c.a.text(mWarnKnownLines, escape(filepath.Base(l.Name)), countText(n), escape(l.Bad[0].String())))
		}
		if l.Left > 0 {
			c.ui.warn("known_left", c.a.text(mWarnKnownLeft, escape(filepath.Base(l.Name)), countText(l.Left)))
		}
	}
}

// putKnown puts what of the items the lists have.
func (c *collection) putKnown(ctx context.Context) error {
	if c.known == nil {
		return nil
	}
	return c.known.Put(ctx, c.writer)
}

// sayKnown tells in the summary how many items the lists have.
func (c *collection) sayKnown(w io.Writer, s summary) {
	if c.known != nil {
		fmt.Fprintln(w, c.a.text(mSumKnown, countText(c.known.Matches()), "hozen show "+escape(shellWord(s.Archive))+" "+known.Member))
	}
}
