package image

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Options say what the collector "image" tells of.
type Options struct {
	Disk   *Disk           // that the host is in
	Chosen Partition       // whose files are collected
	Files  collector.Files // what Mount gave for it; nil if none was chosen
	// Hash says that the whole medium is read, and its hashes are computed and held to
	// those that the container states.
	Hash bool
}

// hashSpeed is a guess for the estimate: three hashes at once on a slow disk.
const hashSpeed = 200 << 20 // bytes a second

// Collector tells of the image itself: container, partition table, first sectors, and,
// if asked, hashes of the whole medium. The contents of the medium are not taken.
func Collector(o Options) collector.Collector {
	c := collector.Collector{
		Name: "image", Doc: "the disk image that is examined: its container, partition tables and boot sectors",
		Volatility: collector.Disk,
		Limit:      collector.Limit{Time: 5 * time.Minute},
		Collect: func(ctx context.Context, _ *collector.Host, to evidence.Sink) error {
			return collect(ctx, &o, to)
		},
	}
	if o.Hash {
		c.Limit.Time = 72 * time.Hour // disks of tens of terabytes are read whole
		c.Estimate = func(*collector.Host) collector.Estimate {
			return collector.Estimate{Time: time.Duration(o.Disk.Size/hashSpeed+1) * time.Second, Bytes: 1 << 20}
		}
	}
	return c
}

func collect(ctx context.Context, o *Options, to evidence.Sink) error {
	d := o.Disk
	source := "the image"
	if len(d.Files) > 0 {
		source = d.Files[0]
	}
	for _, s := range sectors(d) {
		item := evidence.Item{Path: "disk/image/" + s.name + ".bin", Source: fmt.Sprintf("%s, bytes %d to %d of the medium", source, s.at, s.at+s.size)}
		err := to.Put(ctx, item, func(w io.Writer) error {
			_, err := io.Copy(w, &section{ctx: ctx, r: d, at: s.at, end: s.at + s.size})
			return err
		})
		if err != nil {
			return err
		}
	}
	err := to.Put(ctx, evidence.Item{Path: "disk/image/partitions.jsonl", Source: source}, func(w io.Writer) error {
		return jsonl.Write(w, partitionRows(o))
	})
	if err != nil {
		return err
	}
	err = to.Put(ctx, evidence.Item{Path: "disk/image.json", Source: source}, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		return e.Encode(about(d))
	})
	if err != nil || !o.Hash {
		return err
	}
	return to.Put(ctx, evidence.Item{Path: "disk/image/hashes.jsonl", Source: source}, func(w io.Writer) error {
		rows, err := hashRows(ctx, d)
		return fault.Join(jsonl.Write(w, rows), err)
	})
}

// A piece is a part of the medium that is taken raw.
type piece struct {
	name     string
	at, size int64
}

// superBytes is what is taken of the beginning of each partition: boot sectors and
// superblocks of all file systems that are recognised but btrfs's, at 64 KiB.
const superBytes = 8 << 10

// sectors lists the tables and the beginnings of the partitions. There are at most some
// thousands: the tables are bounded.
func sectors(d *Disk) (out []piece) {
	for i, r := range d.partitions.sectors {
		out = append(out, piece{fmt.Sprintf("table-%d-at-%d", i+1, r.Start), r.Start, min(r.Size, d.Size-r.Start)})
	}
	for _, p := range d.Partitions() {
		if size := min(superBytes, p.Size); size > 0 && len(out) < maxPieces {
			out = append(out, piece{fmt.Sprintf("partition-%d", p.Number), p.Start, size})
		}
		if size := min(superBytes, p.Size-0x10000); p.FS == "btrfs" && size > 0 {
			out = append(out, piece{fmt.Sprintf("partition-%d-at-65536", p.Number), p.Start + 0x10000, size})
		}
	}
	return out
}

// maxPieces bounds the items: no table that anybody uses names so many partitions.
const maxPieces = 2048

// section reads a part of the medium, until ctx ends.
type section struct {
	ctx     context.Context
	r       io.ReaderAt
	at, end int64
}

// Read implements io.Reader.
func (s *section) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	if s.at >= s.end {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), s.end-s.at)]
	n, err := s.r.ReadAt(p, s.at)
	s.at += int64(n)
	if n == len(p) {
		err = nil
	} else if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
