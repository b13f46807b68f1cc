package ram

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

const (
	imagePath   = "memory/ram.lime"
	mapPath     = "memory/ram.map.jsonl"
	iomemPath   = "memory/ram/iomem.txt"
	headersPath = "memory/ram/kcore-headers.bin"
)

// A take is one run of the collector.
type take struct {
	o         Options
	h         *collector.Host
	iomemText []byte
	iomemErr  error
	iomem     iomem
	ranges    string // where the ranges of RAM are from
	src       *source
	tried     []attempt
	image     *image
	smear     *SmearRow
	swaps     []swapArea
	own       OwnRow
	driver    bool   // memory is read through a driver, on Windows
	info      []byte // what that said
}

// newTake looks at everything and reads no memory but what checks the source.
func newTake(ctx context.Context, o Options, h *collector.Host) *take {
	if o.page == 0 {
		o.page = os.Getpagesize()
	}
	page := uint64(o.page)
	t := &take{o: o, h: h, own: ownRow(h), src: &source{}, ranges: iomemName}
	if ctx.Err() != nil {
		t.image = &image{page: page}
		return t
	}
	t.iomemText, t.iomemErr = h.ReadFile(iomemName, maxIomem)
	t.iomem = parseIomem(string(t.iomemText))
	t.src, t.tried = choose(h, o.open, &t.iomem, page)
	if len(t.iomem.ram) == 0 && t.src.dev != nil {
		t.ranges = "the program headers: " + iomemName + " says no addresses"
		for _, p := range t.src.has() {
			t.iomem.ram = append(t.iomem.ram, resource{span: p, name: "of " + kcoreName})
		}
	}
	t.image = &image{src: t.src, page: page, flags: openPageFlags(h, o.open, page)}
	if t.src.dev != nil {
		t.image.layout = layOut(t.iomem.ram, t.src.has())
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(os.Getpid())))
	t.image.smear = newSmear(t.image.sections, page, smearSample, random)
	t.swaps = swapAreas(h, o.Swap)
	return t
}

// ownRow says what our process holds.
func ownRow(h *collector.Host) OwnRow {
	text, _ := h.ReadFile("/proc/self/status", 64<<10)
	return OwnRow{PID: os.Getpid(), RSSBefore: statusBytes(string(text), "VmRSS"), RSSPeak: statusBytes(string(text), "VmHWM")}
}

func (t *take) putIomem(ctx context.Context, to evidence.Sink) error {
	return to.Put(ctx, evidence.Item{Path: iomemPath, Source: iomemName}, func(w io.Writer) error {
		_, err := w.Write(t.iomemText)
		switch {
		case t.iomemErr != nil:
			err = t.iomemErr
		case err == nil && t.iomem.hidden:
			err = fmt.Errorf("%s: the kernel hides the addresses from a process without CAP_SYS_ADMIN: %w", iomemName, fs.ErrPermission)
		}
		return err
	})
}

func (t *take) putHeaders(ctx context.Context, to evidence.Sink) error {
	return to.Put(ctx, evidence.Item{Path: headersPath, Source: kcoreName}, func(w io.Writer) error {
		if t.src.head == nil {
			return evidence.Skip("%s is not the source of the image", kcoreName)
		}
		_, err := w.Write(t.src.head)
		return err
	})
}

// putImage puts the image, and measures what changed meanwhile. Its size is given
// beforehand, as that of a file: so it is streamed in members of 64 MiB.
func (t *take) putImage(ctx context.Context, to evidence.Sink) error {
	item := evidence.Item{Path: imagePath, Source: kcoreName}
	if t.driver {
		item.Source = pmemName
	}
	if t.src.dev == nil {
		return to.Put(ctx, item, func(io.Writer) error { return t.noSource(ctx) })
	}
	item.Source = t.src.name
	item.File = &evidence.FileMeta{Mode: evidence.ModeRegular | 0o400, Size: t.image.size}
	return to.Put(ctx, item, func(w io.Writer) error {
		err := t.image.write(ctx, w)
		if err == nil {
			t.smear = t.image.smear.again(ctx, t.src)
		}
		t.image.flags.close()
		return fault.Join(err, t.image.shortfall())
	})
}

// shortfall says that not all of RAM is in the image.
func (m *image) shortfall() error {
	var tally evidence.Tally
	if m.pages == 0 && m.unreadPages > 0 {
		return fmt.Errorf("not one page could be read, of %d (first: %s)", m.unreadPages, m.unread[0].why)
	}
	for _, u := range m.unread {
		if !expected(u, m.page) {
			tally.Add(fmt.Sprintf("%s-%s, zeros in the image", address(u.start), address(u.end-1)), errors.New(u.why))
		}
	}
	for _, h := range m.holes {
		tally.Add(fmt.Sprintf("%s-%s, not in the image", address(h.start), address(h.end-1)), errNotInSource)
	}
	return tally.Err()
}

// expected knows what cannot be read on healthy machines: the part of a page at
// the end of a range, and what the kernel itself has put out of use.
func expected(u unread, page uint64) bool {
	return u.why == errNotInSource.Error() && u.size() < page || u.why == whyBad(flagOffline) || u.why == whyBad(flagNoPage)
}

// putMap puts the table of what came of every range. It is written even when the
// time is over: without it nobody knows what the image lacks.
func (t *take) putMap(ctx context.Context, to evidence.Sink) error {
	source := iomemName + ", " + kcoreName + ", /proc/swaps"
	if t.driver {
		source = pmemName
	}
	return to.Put(context.WithoutCancel(ctx), evidence.Item{Path: mapPath, Source: source}, func(w io.Writer) error {
		if ctx.Err() != nil && t.image.written == 0 {
			return context.Cause(ctx)
		}
		out := jsonl.NewWriter(w)
		for _, a := range t.tried {
			if err := out.Row(t.sourceRow(a)); err != nil {
				return err
			}
		}
		for _, r := range t.image.rangeRows(&t.iomem) {
			if err := out.Row(r); err != nil {
				return err
			}
		}
		for _, s := range t.swaps {
			if err := out.Row(s.row); err != nil {
				return err
			}
		}
		if err := out.Row(t.summary()); err != nil {
			return err
		}
		return out.Flush()
	})
}

func (t *take) summary() SummaryRow {
	m := t.image
	t.own.RSSPeak = ownRow(t.h).RSSPeak
	r := SummaryRow{
		Kind: "summary", Bytes: m.written, Planned: m.size, Sections: len(m.sections), PageSize: m.page,
		PagesRead: m.pages, PagesZero: m.zeros, PagesUnreadable: m.unreadPages, PagesUnlisted: m.unlisted,
		FlagsLooked: m.flags != nil && m.flags.dev != nil,
		Smear:       t.smear, Own: t.own, Odd: t.iomem.odd, Oddest: jsonl.Text(t.iomem.oddest), Beside: []BesideRow{{"ranges", iomemPath}},
	}
	if t.src.dev != nil {
		r.Image, r.Format, r.Source, r.Addresses, r.Checked, r.Ranges = imagePath, "lime 1", t.src.name, t.src.how, t.src.checked, t.ranges
	}
	if !m.began.IsZero() {
		r.Began, r.Ended, r.Seconds = stamp(m.began), stamp(m.ended), m.ended.Sub(m.began).Seconds()
	}
	if t.driver {
		r.Beside = []BesideRow{{"ranges", pmemInfoPath}}
	}
	if t.src.head != nil {
		r.Beside = append(r.Beside, BesideRow{"program headers", headersPath})
	}
	for _, n := range t.needed() {
		r.Beside = append(r.Beside, BesideRow{n.what, n.path})
	}
	return r
}

// stamp is RFC 3339 in UTC with nine digits, as in every table.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }
