package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// class is what became of a page; the package comment says which there are.
type class int

const (
	same class = iota
	before
	written
	zeros
	passing
	wrong
	classes
)

func (c class) String() string {
	return [...]string{"same", "before", "written", "listed", "passing", "wrong"}[c]
}

// tally counts pages by class, and names the wrong ones.
type tally struct {
	pages [classes]int
	moved int // pages that differ between before and after
	wrong []string
	// passed are pages to which neither truth gives an answer, by their bytes.
	passed map[[pageSize]byte][]int64
}

func (t *tally) all() (n int) {
	for _, p := range t.pages {
		n += p
	}
	return n
}

func (t *tally) share(c class) float64 { return 100 * float64(t.pages[c]) / float64(t.all()) }

func (t *tally) print(w io.Writer) {
	fmt.Fprintf(w, "pages: %d; written between before and after: %.2f %%\n", t.all(), 100*float64(t.moved)/float64(t.all()))
	for c := range classes {
		fmt.Fprintf(w, "%-8s %7d  %6.2f %%\n", c, t.pages[c], t.share(c))
	}
	for i, page := range t.wrong {
		if i == 20 {
			fmt.Fprintf(w, "and %d more\n", len(t.wrong)-i)
			break
		}
		fmt.Fprintln(w, "wrong:", page)
	}
}

// A bank is a file that QEMU saved: memory from an address on.
type bank struct {
	span
	file *os.File
}

func banks(folder, name string) (all []bank, err error) {
	files, err := filepath.Glob(filepath.Join(folder, name+".*"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s: no %s.ADDRESS is there", folder, name)
	}
	for _, file := range files {
		start, err := strconv.ParseInt(file[strings.LastIndexByte(file, '.')+1:], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		st, err := f.Stat()
		if err != nil {
			return nil, err
		}
		all = append(all, bank{span{start: start, end: start + st.Size()}, f})
	}
	return all, nil
}

// read fills b with memory from the address on.
func read(all []bank, b []byte, address int64) error {
	for _, k := range all {
		if k.start <= address && address+int64(len(b)) <= k.end {
			_, err := k.file.ReadAt(b, address-k.start)
			return err
		}
	}
	return fmt.Errorf("%x: QEMU saved no such memory", address)
}

// judge sorts every page of the image.
func judge(m *image, folder string, zeroed []span) (*tally, error) {
	was, err := banks(folder, "before")
	if err != nil {
		return nil, err
	}
	is, err := banks(folder, "after")
	if err != nil {
		return nil, err
	}
	t := &tally{passed: map[[pageSize]byte][]int64{}}
	for _, r := range m.ranges {
		var got, old, now [pageSize]byte
		for p := r.start; p < r.end; {
			// Ranges need not begin or end with a page.
			next := min(p&^(pageSize-1)+pageSize, r.end)
			n := next - p
			if _, err := m.ReadAt(got[:n], r.at+p-r.start); err != nil {
				return nil, err
			}
			if err := read(was, old[:n], p); err != nil {
				return nil, err
			}
			if err := read(is, now[:n], p); err != nil {
				return nil, err
			}
			t.add(p, got[:n], old[:n], now[:n], inside(zeroed, p))
			p = next
		}
	}
	return t, t.misplaced(append(was, is...))
}

// misplaced moves pages from passing to wrong that hold what belongs to another address.
func (t *tally) misplaced(saved []bank) error {
	var b [pageSize]byte
	for _, k := range saved {
		for p := k.start; p < k.end; p += pageSize {
			if _, err := k.file.ReadAt(b[:], p-k.start); err != nil {
				return err
			}
			for _, at := range t.passed[b] {
				t.pages[passing]--
				t.pages[wrong]++
				t.wrong = append(t.wrong, fmt.Sprintf("%x has what belongs to %x", at, p))
			}
			delete(t.passed, b)
		}
	}
	return nil
}

func (t *tally) add(address int64, got, old, now []byte, listed bool) {
	if !bytes.Equal(old, now) {
		t.moved++
	}
	c := passing
	switch {
	case bytes.Equal(got, now):
		c = same
	case listed && len(bytes.TrimLeft(got, "\x00")) == 0:
		c = zeros
	case bytes.Equal(got, old):
		c = before
	case !bytes.Equal(old, now):
		c = written
	}
	if c == passing && len(bytes.Trim(got, "\x00")) == 0 {
		c = wrong
		t.wrong = append(t.wrong, fmt.Sprintf("%x is zeros, and no row says so", address))
	}
	t.pages[c]++
	// Memory that was zeros before and after may have held anything between, such as
	// the copy of another page on its way into the image.
	if c == passing && len(bytes.Trim(now, "\x00")) > 0 {
		var whole [pageSize]byte
		copy(whole[:], got)
		t.passed[whole] = append(t.passed[whole], address)
	}
}

func inside(all []span, address int64) bool {
	for _, r := range all {
		if r.start <= address && address < r.end {
			return true
		}
	}
	return false
}
