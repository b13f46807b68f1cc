package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hozen/collector"
	"hozen/collector/memory/ioc"
)

// iocOptions are the flags of collect for the responder's own lists.
type iocOptions struct {
	files    []string
	lines    []string // of a job, which brings no file
	inMemory bool
}

func (a *app) iocFlags(c *cobra.Command, o *iocOptions) {
	c.Flags().StringArrayVar(&o.files, "ioc", nil, a.text(mFlagIOC))
	c.Flags().BoolVar(&o.inMemory, "ioc-memory", false, a.text(mFlagIOCMemory))
}

// search reads the lists; nil if none was given. A list that cannot be read, or
// that has nothing in it, is found out before anything is begun.
func (o *iocOptions) search(p collector.Profile) (*ioc.Search, error) {
	if len(o.files)+len(o.lines) == 0 {
		if o.inMemory {
			return nil, errors.New("--ioc-memory: no list was given with --ioc")
		}
		return nil, nil
	}
	var lists []*ioc.List
	for n, name := range o.files {
		raw, err := readList(name)
		if err != nil {
			return nil, fmt.Errorf("--ioc %s: %w", name, err)
		}
		l, err := ioc.Parse(name, raw, n)
		if err != nil {
			return nil, fmt.Errorf("--ioc %w", err)
		}
		lists = append(lists, l)
	}
	if len(o.lines) > 0 {
		l, err := ioc.Parse("job", []byte(strings.Join(o.lines, "\n")+"\n"), len(lists))
		if err != nil {
			return nil, fmt.Errorf("indicators of the job: %w", err)
		}
		lists = append(lists, l)
	}
	return ioc.New(lists, o.inMemory || p.Everything), nil
}

// openList opens a list of the responder, who may give it through a pipe of the
// shell (/dev/fd/N). Opening another FIFO would wait for a writer, perhaps for ever, and
// a device may have no end.
func openList(name string) (*os.File, error) {
	if st, err := os.Stat(name); err == nil {
		switch mode := st.Mode(); {
		case mode&os.ModeNamedPipe != 0 && !strings.HasPrefix(name, "/dev/fd/"):
			return nil, errors.New("a FIFO, not a file")
		case mode&os.ModeDevice != 0:
			return nil, errors.New("a device, not a file")
		}
	}
	f, err := os.Open(name)
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return f, err
}

func readList(name string) ([]byte, error) {
	f, err := openList(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, ioc.MaxList+1))
}

// planList is what plan.json says of a list.
type planList struct {
	File     string           `json:"file"`
	Member   string           `json:"member"` // of the archive, below data/
	SHA256   string           `json:"sha256"`
	Size     int              `json:"size"`
	Counts   map[ioc.Kind]int `json:"counts"`    // of indicators, by kind
	BadLines int              `json:"bad_lines"` // which are not used
}

func planLists(s *ioc.Search) (out []planList) {
	if s == nil {
		return nil
	}
	for n, l := range s.Lists() {
		out = append(out, planList{File: plain(l.File), Member: ioc.Member(n), SHA256: l.SHA256(), Size: len(l.Raw), Counts: l.Counts(), BadLines: len(l.Bad) + l.BadMore})
	}
	return out
}

// showLists prints what a plan has of the lists.
func (a *app) showLists(w io.Writer, lists []planList) {
	for _, l := range lists {
		var kinds []string
		for _, k := range ioc.Kinds() {
			if n := l.Counts[k]; n > 0 {
				kinds = append(kinds, fmt.Sprintf("%s %d", k, n))
			}
		}
		fmt.Fprintln(w, a.text(mPlanList, escape(filepath.Base(l.File)), strings.Join(kinds, ", "), l.BadLines))
	}
}

// shownBadLines is how many lines of a list are named on the screen; the archive
// names ten thousand.
const shownBadLines = 10

// warnLists names the lines of the lists that are not used.
func (c *collection) warnLists() {
	if c.ioc == nil {
		return
	}
	for n, l := range c.ioc.Lists() {
		for i, b := range l.Bad {
			if i == shownBadLines {
				c.ui.warn("ioc_lines", c.a.text(mWarnListMore, escape(l.File), len(l.Bad)+l.BadMore-i, ioc.Member(n)))
				break
			}
			c.ui.warn("ioc_line", c.a.text(mWarnListLine, escape(l.File), b.Line, escape(b.Reason)))
		}
	}
}

// keeper is where the collectors' items go: past the search, if there is one.
func (c *collection) keeper() collector.Keeper {
	if c.ioc == nil {
		return c.writer
	}
	return c.ioc.Watch(c.writer)
}

// putLists puts the lists before anything is taken.
func (c *collection) putLists(ctx context.Context) error {
	if c.ioc == nil {
		return nil
	}
	return c.ioc.PutLists(ctx, c.writer)
}

// putHits puts what was found when all is taken, and says how much it is.
func (c *collection) putHits(ctx context.Context) error {
	if c.ioc == nil {
		return nil
	}
	err := c.ioc.PutHits(ctx, c.writer)
	c.ui.screen.line(c.a.text(mIOCHits, countText(int64(c.ioc.Hits()))))
	return err
}

// sayHits tells in the summary how many hits there are, and how they are seen.
func (c *collection) sayHits(w io.Writer, s summary) {
	if s.IOCHits == nil {
		return
	}
	if *s.IOCHits == 0 {
		fmt.Fprintln(w, c.a.text(mSumNoHits))
		return
	}
	fmt.Fprintln(w, c.a.text(mSumHits, countText(int64(*s.IOCHits)), "hozen show "+escape(shellWord(s.Archive))+" memory/ioc.jsonl"))
}
