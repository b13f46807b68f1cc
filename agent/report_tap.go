package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"

	"hozen/collector"
	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/report"
	"hozen/packager/report/model"
	"hozen/packager/signed"
)

// The report within the archive is made of what passes while it is taken: the archive is
// never read back for it, so that it is there in an encrypted one, too.

// A tap is a Keeper that tells a model what tables pass.
type tap struct {
	collector.Keeper
	model *model.Model
}

// A hidingTap is a tap of a Keeper that can take its keys out of memory.
type hidingTap struct {
	tap
	hider collector.Hider
}

// tapped puts a tap before a Keeper.
func tapped(to collector.Keeper, m *model.Model) collector.Keeper {
	t := tap{to, m}
	if hider, ok := to.(collector.Hider); ok {
		return &hidingTap{t, hider}
	}
	return &t
}

// Blackout implements collector.Hider.
func (t *hidingTap) Blackout(ctx context.Context, during func() error) error {
	return t.hider.Blackout(ctx, during)
}

// Put implements evidence.Sink.
func (t *tap) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	if !t.model.Wants(item.Path) {
		return t.Keeper.Put(ctx, item, fill)
	}
	return t.Keeper.Put(ctx, item, func(w io.Writer) error {
		return fill(&tapWriter{w, item.Path, t.model})
	})
}

// A tapWriter tells what was kept, and nothing else.
type tapWriter struct {
	w     io.Writer
	item  string
	model *model.Model
}

// Write implements io.Writer.
func (t *tapWriter) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	t.model.Give(t.item, b[:max(n, 0)])
	return n, err
}

// putReport puts what we measured of ourselves, and then the report, last of all: what fails
// in it is told by its record.
func (c *collection) putReport(ctx context.Context) error {
	to := tapped(c.writer, c.model)
	own := evidence.Item{Path: "footprint.json", Source: "this program's own counters", Collector: "report"}
	err := to.Put(ctx, own, func(w io.Writer) error { return json.NewEncoder(w).Encode(c.footprint()) })
	if err != nil {
		return err
	}
	page := evidence.Item{Path: "report.html", Source: "the tables and records of this collection", Collector: "report"}
	return c.writer.Put(ctx, page, func(w io.Writer) error {
		c.model.Finish()
		_, err := report.Write(w, c.reportCase())
		return err
	})
}

// reportCase is what is known before the seal.
func (c *collection) reportCase() report.Case {
	g := c.genesis()
	g.Collection, g.Device, g.Time.Wall = c.name, c.device.Name, signed.Wall(c.began)
	fingerprint, _ := c.device.Fingerprint() // a key that has none cannot have signed
	r := report.Case{
		Model: c.model, Genesis: g, Archive: c.archive(), Fingerprint: fingerprint, Throwaway: c.device.Throwaway,
		Made: c.a.now(), Tool: c.a.tool(), Japanese: c.a.lang == japanese, Docs: docsJapanese,
	}
	if c.o.out != "" {
		if log, err := os.ReadFile(filepath.Join(c.o.out, packager.LogName(c.name))); err == nil {
			r.Events, _, _ = packager.ReadLog(log) // our own log: what is wrong with it verify says
		}
	}
	return r
}

// footprint is item footprint.json: what this run did to the machine until then.
type footprint struct {
	Schema   string `json:"schema"` // hozen/footprint/1
	TookMS   int64  `json:"took_ms"`
	ownUsage        // of this process
	Archive  int64  `json:"archive_bytes"` // bytes of items so far, before compression
	Output   string `json:"output"`
	OnHost   bool   `json:"output_on_host"`   // on a disk of the examined machine
	InMemory bool   `json:"output_in_memory"` // in its memory
	Network  bool   `json:"sent_over_network"`
	// Where the folder of the output lies, as far as the system tells.
	Mount      string `json:"output_mount,omitempty"`
	Source     string `json:"output_source,omitempty"` // "/dev/sdb1", "E:\", "server:/share"
	FileSystem string `json:"output_file_system,omitempty"`
	Device     string `json:"output_device,omitempty"` // "major:minor"
	Disk       string `json:"output_disk,omitempty"`   // the whole disk, as block.jsonl names it
	Removable  bool   `json:"output_removable,omitempty"`
}

// outputPath is the whole path of the folder of the output; "-" if there is none.
func (c *collection) outputPath() string {
	if c.outputFolder() == "" {
		return "-"
	}
	return absolute(c.outputFolder())
}

// ownUsage is what the system counts of a process; 0 where it does not.
type ownUsage struct {
	UserMS   int64 `json:"cpu_user_ms"`
	SystemMS int64 `json:"cpu_system_ms"`
	Peak     int64 `json:"peak_memory_bytes"` // of memory that was resident
	Read     int64 `json:"read_bytes"`        // from disks
	Write    int64 `json:"write_bytes"`       // to disks
}

func (c *collection) footprint() footprint {
	return footprint{
		Schema: "hozen/footprint/1", TookMS: int64(c.a.now().Sub(c.began) / time.Millisecond), ownUsage: usageOfUs(), Archive: c.tally.now().bytes,
		Output: escape(c.outputPath()), OnHost: c.place.OnExamined, InMemory: c.place.InMemory, Network: c.place.Network || c.outputFolder() == "",
		Mount: escape(c.place.Mount), Source: escape(c.place.Source), FileSystem: escape(c.place.FileSystem), Device: escape(c.place.Device),
		Disk: escape(c.place.Disk), Removable: c.place.Removable,
	}
}
