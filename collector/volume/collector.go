package volume

import (
	"context"
	"fmt"
	"io"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// The tables.
const (
	VolumesTable = "disk/volumes.jsonl"
	DisksTable   = "disk/volumes/physical_disks.jsonl"
)

// firstBytes is what is taken of the beginning of each volume and disk: boot sectors and
// superblocks, MBR and the usual GPT.
const firstBytes = 32 << 10

// Collector lists the volumes and disks of a live Windows and takes their first sectors.
func Collector() collector.Collector {
	return collector.Collector{
		Name: "volumes", Doc: "volumes and disks of Windows: what each holds, and its first sectors",
		Volatility: collector.Disk, Needs: collector.LiveHost,
		Limit: collector.Limit{Time: 2 * time.Minute},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			if err := collectVolumes(ctx, h, to); err != nil {
				return err
			}
			return collectDisks(ctx, h, to)
		},
	}
}

// ask runs f on a goroutine that is left behind when ctx ends: a device may not answer.
func ask[T any](ctx context.Context, f func() ([]T, error)) ([]T, error) {
	type answer struct {
		rows []T
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		rows, err := f()
		done <- answer{rows, err}
	}()
	select {
	case a := <-done:
		return a.rows, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func collectVolumes(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	rows, listErr := ask(ctx, func() ([]VolumeRow, error) { return Volumes(h) })
	for i := range rows {
		v := &rows[i]
		if v.local() != nil {
			continue
		}
		v.Item = jsonl.Text("disk/volumes/" + v.Short() + "/first.bin")
		if err := putFirst(ctx, to, string(v.Item), string(v.Name), func() (*device, error) { return openNamed(string(v.Name)) }); err != nil {
			return err
		}
	}
	return to.Put(ctx, evidence.Item{Path: VolumesTable, Source: "FindFirstVolume, GetLogicalDrives, first sectors"}, func(w io.Writer) error {
		if err := jsonl.Write(w, rows); err != nil {
			return err
		}
		return listErr
	})
}

func collectDisks(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	rows, listErr := ask(ctx, func() ([]DiskRow, error) { return Disks(h) })
	for i := range rows {
		d := &rows[i]
		d.Item = jsonl.Text(fmt.Sprintf("disk/volumes/PhysicalDrive%d/first.bin", d.Number))
		if err := putFirst(ctx, to, string(d.Item), d.file(), func() (*device, error) { return openDevice(d.file()) }); err != nil {
			return err
		}
	}
	return to.Put(ctx, evidence.Item{Path: DisksTable, Source: "IOCTL_STORAGE_QUERY_PROPERTY, first sectors"}, func(w io.Writer) error {
		if err := jsonl.Write(w, rows); err != nil {
			return err
		}
		return listErr
	})
}

// putFirst takes the first sectors of a volume or disk.
func putFirst(ctx context.Context, to evidence.Sink, path, source string, open func() (*device, error)) error {
	item := evidence.Item{Path: path, Source: fmt.Sprintf("%s, bytes 0 to %d", source, firstBytes)}
	return to.Put(ctx, item, func(w io.Writer) error {
		d, err := open()
		if err != nil {
			return err
		}
		defer d.closer.Close()
		_, err = io.Copy(w, io.NewSectionReader(d, 0, min(firstBytes, d.Size())))
		return err
	})
}
