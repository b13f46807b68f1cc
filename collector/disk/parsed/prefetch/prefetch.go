package prefetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hozen/collector/disk/parsed"
	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/utf16"
	"hozen/packager/evidence/fault"
)

// A Row is one prefetch file: a program at one place, with one command line where its
// kind is told apart by that (hosting programs such as svchost.exe).
type Row struct {
	Version    int          `json:"version"`    // 17, 23, 26, 30, 31
	Executable jsonl.Text   `json:"executable"` // name of the program, at most 29 characters
	Hash       string       `json:"hash"`       // of its path: 8 digits in hexadecimal, as in the file's name
	RunCount   uint32       `json:"run_count"`  // since the file was made
	LastRuns   []time.Time  `json:"last_runs"`  // the latest first; up to eight since Windows 8, else one
	Files      []jsonl.Text `json:"files"`      // that were opened in the first seconds, device paths in capitals
	Volumes    []Volume     `json:"volumes"`    // that these lie on
	Metrics    uint32       `json:"metrics"`    // entries of the file about files that were loaded
	Compressed bool         `json:"compressed,omitempty"`
}

// A Volume is one that files were loaded from.
type Volume struct {
	Device      jsonl.Text      `json:"device"`            // `\DEVICE\HARDDISKVOLUME2`, `\VOLUME{01d1217a9c4c6779-8c9f49ec}`
	Created     *time.Time      `json:"created,omitempty"` // when it was formatted
	Serial      string          `json:"serial"`            // 8 digits in hexadecimal
	Directories []jsonl.Text    `json:"directories"`       // that were used
	References  []FileReference `json:"references"`        // records of the MFT that were used; empty ones included
}

// A FileReference is a record of the MFT.
type FileReference struct {
	Record   uint64 `json:"record"`
	Sequence uint16 `json:"sequence"`
}

// Format is that of *.pf.
func Format() parsed.Format {
	return parsed.Format{
		Name: "prefetch", Doc: "programs that ran: how often, when, and which files they loaded",
		Takes:   func(f *parsed.File) bool { return f.HasExt(".pf") },
		MaxFile: 32 << 20,
		Rows:    parsed.OneRow(Read),
	}
}

// Read reads a prefetch file, compressed or not. What was read before an error is given
// with it; nil if that is nothing.
func Read(b []byte) (*Row, error) {
	var damage []error
	compressed := bytes.HasPrefix(b, []byte("MAM"))
	if compressed {
		whole, err := decompress(b)
		damage = append(damage, err)
		b = whole
	}
	if len(b) < headSize || string(b[4:8]) != "SCCA" {
		return nil, fault.Join(append(damage, errors.New("no SCCA file"))...)
	}
	f := &file{b: b}
	row := &Row{Version: int(f.u32(0)), Compressed: compressed, Executable: jsonl.Text(utf16.ToNUL(b[16:76])), Hash: fmt.Sprintf("%08X", f.u32(76)),
		LastRuns: []time.Time{}, Files: []jsonl.Text{}, Volumes: []Volume{}}
	l, ok := f.layout(row.Version)
	if !ok {
		return nil, fault.Join(append(damage, fmt.Errorf("version %d, not one of 17, 23, 26, 30, 31", row.Version))...)
	}
	if size := f.u32(12); int64(size) > int64(len(b)) {
		damage = append(damage, fmt.Errorf("%d of %d bytes are here", len(b), size))
	}
	f.information(row, l)
	f.volumes(row, l)
	return row, fault.Join(append(damage, f.damage...)...)
}

// headSize is the size of the head; offsets in the file information, which follows it, are
// those of every version.
const (
	headSize   = 84
	atMetrics  = 88
	atStrings  = 100
	atVolumes  = 108
	maxVolumes = 1024
	maxListed  = 1 << 17  // names of one file
	maxText    = 32 << 20 // bytes of all names: those of a thousand volumes could be the same
)

// layout is what differs between versions.
type layout struct {
	lastRuns, runs int // how many, and where the first is
	runCount       int
	volume         int // size of an entry
}

// layout of version 30 comes in two forms, which the end of the file information, where
// the metrics begin, tells apart.
func (f *file) layout(version int) (layout, bool) {
	switch version {
	case 17:
		return layout{lastRuns: 1, runs: 120, runCount: 144, volume: 40}, true
	case 23:
		return layout{lastRuns: 1, runs: 128, runCount: 152, volume: 104}, true
	case 26:
		return layout{lastRuns: 8, runs: 128, runCount: 208, volume: 104}, true
	case 30, 31:
		l := layout{lastRuns: 8, runs: 128, runCount: 208, volume: 96}
		if f.u32(84) == 296 {
			l.runCount = 200
		}
		return l, true
	}
	return layout{}, false
}

// file is the whole of an unpacked file; what is asked for beyond its end is damage.
type file struct {
	b      []byte
	damage []error
	text   int // bytes of names so far
}

// name counts the bytes of a name that is to be read; nil if there were too many.
func (f *file) name(b []byte) []byte {
	if f.text > maxText {
		return nil
	}
	if f.text += len(b); f.text > maxText {
		f.damage = append(f.damage, fmt.Errorf("more than %d bytes of names", maxText))
		return nil
	}
	return b
}

// part gives n bytes at an offset, nil if they are not all there.
func (f *file) part(what string, at, n uint64) []byte {
	if at > uint64(len(f.b)) || n > uint64(len(f.b))-at {
		f.damage = append(f.damage, fmt.Errorf("%s: %d bytes at %d of %d", what, n, at, len(f.b)))
		return nil
	}
	return f.b[at : at+n]
}

// u32 gives a number of the head and the file information; 0 if it is not there.
func (f *file) u32(at int) uint32 {
	if at+4 > len(f.b) {
		return 0
	}
	return binary.LittleEndian.Uint32(f.b[at:])
}

// information reads how often and when the program ran, and the files that it opened.
func (f *file) information(row *Row, l layout) {
	row.RunCount, row.Metrics = f.u32(l.runCount), f.u32(atMetrics)
	runs := f.part("last runs", uint64(l.runs), uint64(8*l.lastRuns))
	for ; len(runs) > 0; runs = runs[8:] {
		if t := filetime.Bytes(runs); !t.IsZero() {
			row.LastRuns = append(row.LastRuns, t)
		}
	}
	names := f.part("names of files", uint64(f.u32(atStrings)), uint64(f.u32(atStrings+4)))
	for len(names) > 1 && len(row.Files) < maxListed {
		n := nul(names)
		row.Files = append(row.Files, jsonl.Text(utf16.WTF8(f.name(names[:n]))))
		names = names[min(n+2, len(names)):]
	}
	if len(names) > 1 {
		f.damage = append(f.damage, fmt.Errorf("more than %d names of files", maxListed))
	}
}

// nul gives the bytes before the first NUL of UTF-16, or all.
func nul(b []byte) int {
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return i
		}
	}
	return len(b) &^ 1
}

// volumes reads the volumes: offset, count and size at atVolumes; within each, offsets
// count from the first volume.
func (f *file) volumes(row *Row, l layout) {
	at, count := uint64(f.u32(atVolumes)), f.u32(atVolumes+4)
	if count > maxVolumes {
		f.damage = append(f.damage, fmt.Errorf("%d volumes, more than %d", count, maxVolumes))
		count = maxVolumes
	}
	listed := 0
	for i := range uint64(count) {
		e := f.part("volume", at+i*uint64(l.volume), uint64(l.volume))
		if e == nil {
			return
		}
		number := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(e[at:])) }
		v := Volume{Serial: fmt.Sprintf("%08X", number(16)), Directories: []jsonl.Text{}, References: []FileReference{},
			Device: jsonl.Text(utf16.ToNUL(f.name(f.part("device of a volume", at+number(0), 2*number(4)))))}
		if t := filetime.Bytes(e[8:]); !t.IsZero() {
			v.Created = &t
		}
		v.References = references(f.part("references of a volume", at+number(20), number(24)))
		v.Directories = f.directories(at+number(28), number(32), maxListed-listed)
		listed += len(v.Directories) + len(v.References)
		if row.Volumes = append(row.Volumes, v); listed > maxListed || f.text > maxText {
			f.damage = append(f.damage, fmt.Errorf("more than %d directories and references, or %d bytes of names", maxListed, maxText))
			return
		}
	}
}

// references reads the version (1, 3), the count and the references: 48 bits of record,
// 16 of sequence. Since version 3 8 bytes follow the count.
func references(b []byte) []FileReference {
	out := []FileReference{}
	if len(b) < 8 {
		return out
	}
	version, count := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	b = b[8:]
	if version >= 3 {
		b = b[min(8, len(b)):]
	}
	for ; len(b) >= 8 && count > 0; count-- {
		v := binary.LittleEndian.Uint64(b)
		out = append(out, FileReference{Record: v & (1<<48 - 1), Sequence: uint16(v >> 48)})
		b = b[8:]
	}
	return out
}

// directories reads strings: the number of their units, the units, a NUL.
func (f *file) directories(at, count uint64, most int) []jsonl.Text {
	out := []jsonl.Text{}
	for range count {
		n := f.part("directory", at, 2)
		if n == nil || len(out) >= most {
			break
		}
		size := 2 * uint64(binary.LittleEndian.Uint16(n))
		name := f.name(f.part("directory", at+2, size))
		if name == nil {
			break
		}
		out = append(out, jsonl.Text(utf16.WTF8(name)))
		at += 2 + size + 2
	}
	return out
}
