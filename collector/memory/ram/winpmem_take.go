package ram

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A driver is a device by which physical memory is read, at the offset that is the
// address, and which says what of it there is.
type driver interface {
	device
	info() ([]byte, error)
}

// A driverOpener opens the driver, if somebody has loaded it.
type driverOpener func() (driver, error)

const pmemInfoPath = "memory/ram/winpmem-info.bin"

// collectDriver is collect where memory is read through a driver: Windows.
func (o Options) collectDriver(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	t := &take{o: o, h: h, own: ownRow(h), src: &source{}, driver: true, image: &image{page: 4096, flags: &pageFlags{}}, ranges: pmemName}
	if ctx.Err() == nil {
		t.openDriver()
	}
	defer func() { t.src.close() }()
	t.swaps = pagingFiles(h, o.Swap)
	for _, step := range []func(context.Context, evidence.Sink) error{t.putInfo, t.putImage, t.putMap, t.putPaging} {
		if err := step(ctx, to); err != nil {
			return err
		}
	}
	return nil
}

// openDriver opens the driver, asks it, and checks that it shows the right memory.
func (t *take) openDriver() {
	err := func() error {
		d, err := t.o.driver()
		if err != nil {
			return err
		}
		t.src = &source{name: pmemName, dev: d, how: byAddress}
		if t.info, err = d.info(); err != nil {
			return err
		}
		m, err := parsePmem(t.info)
		if err != nil {
			return err
		}
		t.iomem = iomem{ram: m.ram, odd: m.odd, oddest: m.oddest}
		t.src.checked, err = t.src.checkPmem(m)
		return err
	}()
	t.tried = []attempt{{pmemName, err}}
	if err != nil {
		t.src.close()
		t.src = &source{}
		return
	}
	t.image = &image{src: t.src, page: 4096, flags: &pageFlags{}, layout: layOut(t.iomem.ram, nil)}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(os.Getpid())))
	t.image.smear = newSmear(t.image.sections, 4096, smearSample, random)
}

// putInfo puts what the driver said of the ranges.
func (t *take) putInfo(ctx context.Context, to evidence.Sink) error {
	return to.Put(ctx, evidence.Item{Path: pmemInfoPath, Source: pmemName}, func(w io.Writer) error {
		if t.info == nil {
			return evidence.NotHere("the driver was not asked: %v", fault.Join(errNoDriver, t.tried[0].err))
		}
		_, err := w.Write(t.info)
		return err
	})
}

var errNoDriver = errors.New("no driver for physical memory is loaded")

// explainDriver says what is behind the error of the driver, and what helps.
func explainDriver(err error) (cause, remedy string) {
	const outside = "take memory from outside (the hypervisor's snapshot)"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no driver WinPmem is loaded; Windows itself lets no program read physical memory, and nothing is loaded by this tool",
			"to load the signed driver changes the machine, and is for the responder to decide: `winpmem install`, or `sc create winpmem type= kernel binPath= …\\winpmem_x64.sys` and `sc start winpmem`, then collect again with --only ram; else " + outside
	case errors.Is(err, fs.ErrPermission):
		return "the device may be opened by administrators only", "run as administrator"
	case errors.Is(err, errNoInfo):
		return "the device answers, and not as WinPmem does", "look what was loaded under this name; else " + outside
	}
	return "", outside
}

// pagingName are the files beside RAM that hold what was in it: where memory is paged
// to, and what hibernation and a crash of the system have written.
func pagingNames() []struct{ name, kind string } {
	return []struct{ name, kind string }{
		{"/Windows/MEMORY.DMP", "crash dump"}, {"/hiberfil.sys", "hibernation file"}, {"/pagefile.sys", "page file"}, {"/swapfile.sys", "swap file of apps"},
	}
}

// pagingFiles lists them on every drive.
func pagingFiles(h *collector.Host, take bool) (areas []swapArea) {
	for _, drive := range h.Drives {
		root := "/" + strings.Trim(drive, "/")
		for _, f := range pagingNames() {
			name := root + f.name
			meta, err := h.Lstat(name)
			if err != nil || !meta.Regular() {
				continue
			}
			a := swapArea{name: name, row: SwapRow{Kind: "swap", Name: jsonl.Text(strings.ReplaceAll(name[1:], "/", `\`)), Type: jsonl.Text(f.kind), Size: meta.Size}}
			if take {
				a.row.Path = "memory/ram/swap/" + strings.Trim(drive, "/:") + "-" + f.name[strings.LastIndexByte(f.name, '/')+1:]
			} else {
				a.row.Note = "only with --swap"
			}
			areas = append(areas, a)
		}
	}
	return areas
}

// putPaging takes them. The system has them open and lets nobody read them: what the
// host refuses comes from the raw volume.
func (t *take) putPaging(ctx context.Context, to evidence.Sink) error {
	for _, a := range t.swaps {
		if a.row.Path == "" {
			continue
		}
		item := evidence.Item{Path: a.row.Path, Source: string(a.row.Name)}
		item.File, _ = t.h.Lstat(a.name)
		err := to.Put(ctx, item, func(w io.Writer) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := t.h.Copy(&untilDone{ctx, w}, a.name, 1<<50); err != nil {
				return fmt.Errorf("%s: %w", a.row.Name, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// An untilDone passes bytes on until its context ends.
type untilDone struct {
	ctx context.Context
	w   io.Writer
}

// Write passes b on.
func (u *untilDone) Write(b []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.w.Write(b)
}
