package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"hozen/collector"
	"hozen/collector/disk/image"
	"hozen/collector/jsonl"
	"hozen/collector/volume/vss"
	"hozen/packager/evidence"
)

// ShadowTable has one row for each shadow copy.
const ShadowTable = "disk/shadow_copies.jsonl"

// A ShadowRow is one row of disk/shadow_copies.jsonl: a shadow copy of a volume.
type ShadowRow struct {
	Volume     jsonl.Text `json:"volume"` // as disk/volumes.jsonl has its name; of an image "partition 2"
	ID         string     `json:"id"`     // GUID of its store, whose file in System Volume Information begins with it
	Created    string     `json:"created,omitempty"`
	Sequence   uint64     `json:"sequence"`    // of the copies of the volume
	VolumeSize int64      `json:"volume_size"` // bytes of the volume when it was made
	CopyID     string     `json:"copy_id,omitempty"`
	SetID      string     `json:"set_id,omitempty"`
	Machine    jsonl.Text `json:"machine,omitempty"`    // that made it
	Service    jsonl.Text `json:"service,omitempty"`    // the machine whose service did
	Context    string     `json:"context,omitempty"`    // VSS_SNAPSHOT_CONTEXT, hexadecimal
	Attributes []string   `json:"attributes,omitempty"` // VSS_VOLSNAP_ATTR_ by Microsoft's names
	StoreFile  uint64     `json:"store_record"`         // number of the store's file in the MFT
	Store      int64      `json:"store_offset"`         // bytes from the volume's beginning
	Item       jsonl.Text `json:"item"`                 // with the blocks that say so, one after another
}

// ShadowOptions say where shadow copies are looked for.
type ShadowOptions struct {
	Image *image.Disk // nil: on the volumes of this machine
}

// ShadowCopies lists the shadow copies of all NTFS volumes of a live Windows, or of an
// image. It starts no service of Windows: the volumes' own sectors tell.
func ShadowCopies(o ShadowOptions) collector.Collector {
	return collector.Collector{
		Name: "shadow_copies", Doc: "volume shadow copies: when each was made, and of what size",
		Volatility: collector.Disk,
		Limit:      collector.Limit{Time: 2 * time.Minute},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			sources, err := ask(ctx, func() ([]shadowSource, error) { return o.sources(h) })
			return collectShadows(ctx, to, sources, err)
		},
	}
}

// A shadowSource is a volume that may have shadow copies.
type shadowSource struct {
	name, short string
	open        func() (*device, error)
}

// maxSources bounds the volumes of one machine or image.
const maxSources = 256

func (o ShadowOptions) sources(h *collector.Host) (out []shadowSource, err error) {
	if o.Image != nil {
		for _, p := range o.Image.Partitions() {
			if p.FS != "ntfs" || len(out) >= maxSources {
				continue
			}
			part := NewAligned(io.NewSectionReader(o.Image, p.Start, p.Size), 512, p.Size)
			open := func() (*device, error) { return &device{Aligned: part, closer: io.NopCloser(nil)}, nil }
			out = append(out, shadowSource{fmt.Sprintf("partition %d", p.Number), fmt.Sprintf("partition-%d", p.Number), open})
		}
		return out, nil
	}
	rows, err := Volumes(h)
	for _, v := range rows {
		if v.Contents == "ntfs" && len(out) < maxSources {
			name := string(v.Name)
			out = append(out, shadowSource{name, v.Short(), func() (*device, error) { return openNamed(name) }})
		}
	}
	return out, err
}

func collectShadows(ctx context.Context, to evidence.Sink, sources []shadowSource, sourcesErr error) error {
	var rows []ShadowRow
	var tally evidence.Tally
	none := 0
	for _, s := range sources {
		more, pieces, err := readShadows(ctx, s)
		if errors.Is(err, vss.ErrNone) {
			none++
			continue
		}
		tally.Add(s.name, err)
		if len(pieces) == 0 {
			continue
		}
		item := "disk/shadow_copies/" + s.short + "/blocks.bin"
		for i := range more {
			more[i].Item = jsonl.Text(item)
		}
		rows = append(rows, more...)
		if err := putPieces(ctx, to, item, s, pieces); err != nil {
			return err
		}
	}
	return to.Put(ctx, evidence.Item{Path: ShadowTable, Source: "the volumes' own sectors"}, func(w io.Writer) error {
		if err := jsonl.Write(w, rows); err != nil {
			return err
		}
		switch err := tally.Err(); {
		case sourcesErr != nil:
			return sourcesErr
		case err != nil:
			return err
		case len(sources) == 0:
			return evidence.NotHere("no NTFS volume that can be read raw")
		case len(rows) == 0:
			return evidence.NotHere("%d of %d NTFS volumes never had a shadow copy, the rest have none now", none, len(sources))
		}
		return nil
	})
}

func readShadows(ctx context.Context, s shadowSource) (rows []ShadowRow, pieces []vss.Piece, err error) {
	type answer struct {
		rows   []ShadowRow
		pieces []vss.Piece
	}
	got, err := ask(ctx, func() ([]answer, error) {
		d, err := s.open()
		if err != nil {
			return nil, err
		}
		defer d.closer.Close()
		_, copies, pieces, err := vss.List(d, d.Size())
		a := answer{pieces: pieces}
		for _, c := range copies {
			a.rows = append(a.rows, shadowRow(s.name, c))
		}
		return []answer{a}, err
	})
	if len(got) == 0 {
		return nil, nil, err
	}
	return got[0].rows, got[0].pieces, err
}

// putPieces takes the blocks that the rows are made from, one after another; the source
// says where they lie.
func putPieces(ctx context.Context, to evidence.Sink, path string, s shadowSource, pieces []vss.Piece) error {
	source := s.name + ", bytes"
	for i, p := range pieces {
		if i == maxPiecesNamed {
			source += fmt.Sprintf(" and %d blocks more", len(pieces)-i)
			break
		}
		source += fmt.Sprintf(" %d+%d", p.Offset, p.Length)
	}
	return to.Put(ctx, evidence.Item{Path: path, Source: source}, func(w io.Writer) error {
		d, err := s.open()
		if err != nil {
			return err
		}
		defer d.closer.Close()
		for _, p := range pieces {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if _, err := io.Copy(w, io.NewSectionReader(d, p.Offset, p.Length)); err != nil {
				return err
			}
		}
		return nil
	})
}

const maxPiecesNamed = 64

func shadowRow(volume string, c vss.Copy) ShadowRow {
	row := ShadowRow{
		Volume: jsonl.Text(volume), ID: c.ID, Sequence: c.Sequence, VolumeSize: c.VolumeSize,
		StoreFile: c.FileReference & (1<<48 - 1), Store: c.Header,
	}
	if !c.Created.IsZero() {
		row.Created = c.Created.Format("2006-01-02T15:04:05.000000000Z")
	}
	if s := c.Store; s != nil {
		row.CopyID, row.SetID, row.Machine, row.Service = s.CopyID, s.SetID, jsonl.Text(s.Machine), jsonl.Text(s.Service)
		row.Context, row.Attributes = fmt.Sprintf("%#x", s.Context), shadowAttributes(s.Attributes)
	}
	return row
}

// shadowAttributes names the bits of VSS_VOLUME_SNAPSHOT_ATTRIBUTES (vss.h).
func shadowAttributes(bits uint32) (out []string) {
	names := [...]string{
		0: "PERSISTENT", 1: "NO_AUTORECOVERY", 2: "CLIENT_ACCESSIBLE", 3: "NO_AUTO_RELEASE", 4: "NO_WRITERS", 5: "TRANSPORTABLE",
		6: "NOT_SURFACED", 7: "NOT_TRANSACTED", 16: "HARDWARE_ASSISTED", 17: "DIFFERENTIAL", 18: "PLEX", 19: "IMPORTED",
		20: "EXPOSED_LOCALLY", 21: "EXPOSED_REMOTELY", 22: "AUTORECOVER", 23: "ROLLBACK_RECOVERY", 24: "DELAYED_POSTSNAPSHOT", 25: "TXF_RECOVERY",
	}
	for i, name := range names {
		if bit := uint32(1) << i; name != "" && bits&bit != 0 {
			out, bits = append(out, name), bits&^bit
		}
	}
	if bits != 0 {
		out = append(out, fmt.Sprintf("%#x", bits))
	}
	return out
}
