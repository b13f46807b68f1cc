package ram

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A needed is a text or file without which an image is hard to read.
type needed struct {
	what, path string
	from       []string // the first that is there is taken
	limit      int64
	elsewhere  bool // the collector kernel takes it: path is that of its item
}

const (
	shortText = 1 << 20
	longText  = 256 << 20
)

// needed lists what goes along with the image.
func (t *take) needed() []needed {
	if t.driver {
		return nil // the kernel's own image and symbols are files on the disk
	}
	list := []needed{
		{what: "banner", path: "memory/ram/banner.txt", from: []string{"/proc/version"}, limit: shortText},
		{what: "vmcoreinfo", path: "memory/ram/vmcoreinfo.txt", from: []string{vmcoreinfoName}, limit: maxNote},
		{what: "meminfo", path: "memory/ram/meminfo.txt", from: []string{"/proc/meminfo"}, limit: shortText},
		{what: "btf", path: "memory/ram/vmlinux.btf", from: []string{"/sys/kernel/btf/vmlinux"}, limit: longText},
	}
	for _, n := range []needed{
		{what: "command line", path: "memory/ram/cmdline.txt", from: []string{"/proc/cmdline"}, limit: shortText},
		{what: "symbols", path: "memory/ram/kallsyms.txt", from: []string{"/proc/kallsyms"}, limit: longText},
		{what: "configuration", path: "memory/ram/config.gz", from: []string{"/proc/config.gz"}, limit: shortText},
	} {
		if n.elsewhere = t.o.Kernel; n.elsewhere {
			n.path = "volatile/kernel" + n.from[0]
		}
		list = append(list, n)
	}
	if r := releaseOf(t.h); r != "" {
		list = append(list,
			needed{what: "system map", path: "memory/ram/System.map-" + r, limit: longText,
				from: []string{"/boot/System.map-" + r, "/lib/modules/" + r + "/System.map", "/usr/lib/debug/boot/System.map-" + r}},
			needed{what: "configuration file", path: "memory/ram/config-" + r, limit: shortText,
				from: []string{"/boot/config-" + r, "/lib/modules/" + r + "/config"}})
	}
	return list
}

// putNeeded takes what is not taken elsewhere.
func (t *take) putNeeded(ctx context.Context, to evidence.Sink) error {
	for _, n := range t.needed() {
		if n.elsewhere {
			continue
		}
		if err := t.putOne(ctx, to, n); err != nil {
			return err
		}
	}
	return nil
}

func (t *take) putOne(ctx context.Context, to evidence.Sink, n needed) error {
	item := evidence.Item{Path: n.path, Source: strings.Join(n.from, ", ")}
	for _, name := range n.from {
		if meta, err := t.h.Stat(name); err == nil {
			item.Source = name
			if !strings.HasPrefix(name, "/proc/") && !strings.HasPrefix(name, "/sys/") {
				item.File = meta
			}
			break
		}
	}
	return to.Put(ctx, item, func(w io.Writer) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case n.what == "vmcoreinfo":
			return t.copyNote(w)
		case strings.Contains(item.Source, ", "):
			return &fs.PathError{Op: "open", Path: item.Source, Err: fs.ErrNotExist}
		}
		watch := &addresses{w: w, begun: true}
		err := t.h.CopyFollow(watch, item.Source, n.limit)
		if err == nil && n.what == "symbols" && !watch.shown {
			err = fmt.Errorf("%s: the kernel hides the addresses: %w", item.Source, fs.ErrPermission)
		}
		return err
	})
}

// addresses passes a text on and looks whether any of its lines begins with a
// number that is not zero: who lacks CAP_SYSLOG gets zeros for every address of
// kallsyms (kernel.kptr_restrict), and no error.
type addresses struct {
	w            io.Writer
	begun, shown bool // at the beginning of a line or in its zeros; a number was seen
}

func (a *addresses) Write(b []byte) (int, error) {
	for i := 0; i < len(b) && !a.shown; i++ {
		switch c := b[i]; {
		case c == '\n':
			a.begun = true
		case a.begun && c == ' ':
			a.begun = false
		case a.begun:
			a.shown = c != '0'
		}
	}
	return a.w.Write(b)
}

// copyNote writes the note VMCOREINFO as it was read from physical memory.
func (t *take) copyNote(w io.Writer) error {
	if t.src.note == nil {
		_, err := readNotePlace(t.h)
		return fault.Join(err, evidence.NotHere("no note VMCOREINFO was read"))
	}
	_, err := w.Write(append(t.src.note, '\n'))
	return err
}
