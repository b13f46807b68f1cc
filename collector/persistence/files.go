package persistence

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/pe/authenticode"
	"hozen/collector/registry/hive"
	"hozen/packager/evidence"
)

// Limits of hashing: programs and DLLs are far below the first; a clean Windows needs
// some 1.5 GiB of the second.
const (
	maxHashed      = 256 << 20 // bytes of one file
	maxHashedTotal = 8 << 30   // of all
	maxListings    = 1 << 14   // directories that are kept
)

// A FileRow is a file that would be run or loaded.
type FileRow struct {
	Path   jsonl.Text `json:"path"` // as Windows names it: C:\Windows\System32\cmd.exe
	SHA256 string     `json:"sha256,omitempty"`
	Size   int64      `json:"size,omitempty"`
	Mtime  string     `json:"mtime,omitempty"`
	// Signature is left out of what is no program. On a running Windows it has Windows' verdict.
	Signature *authenticode.Facts `json:"signature,omitempty"`
	Reason    jsonl.Text          `json:"reason,omitempty"` // why there is no hash
}

// patienceSignatures is how long looking at signatures may take altogether; no new one is
// begun later.
const patienceSignatures = 4 * time.Minute

// maxCatalog is the largest catalogue of signatures that is read, in bytes.
const maxCatalog = 16 << 20

// files finds paths of the examined Windows on the host, and hashes them once each.
type files struct {
	ctx      context.Context
	h        *collector.Host
	system   string // the drive that Windows is on: "C:"
	drives   bool   // the host's names begin with a drive
	known    map[string]FileRow
	names    map[string]string // host names, by folded path
	listings map[string]map[string]string
	left     int64
	signs    authenticode.Checker
	signing  time.Duration // that signatures have taken
	cut      error         // why the signatures of some files were not looked at
}

func newFiles(ctx context.Context, h *collector.Host, root string) *files {
	f := &files{ctx: ctx, h: h, system: root[:2], drives: h.Live, known: map[string]FileRow{}, names: map[string]string{}, listings: map[string]map[string]string{}, left: maxHashedTotal}
	if h.Live {
		f.signs.Ask = authenticode.TrustOf
		f.signs.Catalog = func(path string) ([]byte, error) {
			b, _, err := f.read(path, maxCatalog)
			return b, err
		}
	} else {
		_, err := h.Lstat("/" + f.system)
		f.drives = err == nil
	}
	return f
}

// find gives the host's name for a path of Windows, if a file or directory is there.
func (f *files) find(path string) (string, error) {
	if strings.HasPrefix(path, `\\`) {
		return "", evidence.Skip("on another machine: not looked at")
	}
	if len(path) < 3 || path[1] != ':' || path[2] != '\\' || strings.ContainsRune(path, 0) {
		return "", evidence.Skip("no full path")
	}
	folded := hive.Fold(path)
	if name, ok := f.names[folded]; ok {
		if name == "" {
			return "", fs.ErrNotExist
		}
		return name, nil
	}
	name, err := f.look(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		f.names[folded] = name
	}
	return name, err
}

func (f *files) look(path string) (string, error) {
	name := "/" + strings.TrimRight(strings.ReplaceAll(path, `\`, "/"), "/")
	if !f.drives {
		if !strings.EqualFold(path[:2], f.system) {
			return "", evidence.Skip("drive %s is not in what is examined", path[:2])
		}
		name = name[3:]
	}
	if f.h.Live {
		_, err := f.h.Lstat(name)
		if err != nil {
			name = ""
		}
		return name, err
	}
	at := ""
	for _, part := range strings.Split(strings.Trim(name, "/"), "/") {
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			at = at[:max(0, strings.LastIndexByte(at, '/'))]
			continue
		}
		listing, err := f.list(at + "/")
		if err != nil {
			return "", err
		}
		real, ok := listing[hive.Fold(part)]
		if !ok {
			return "", fs.ErrNotExist
		}
		at += "/" + real
	}
	if at == "" {
		return "/", nil
	}
	return at, nil
}

// list gives the names in a directory by their folded forms: Windows does not look at case.
func (f *files) list(dir string) (map[string]string, error) {
	if l, ok := f.listings[dir]; ok {
		return l, nil
	}
	names, err := f.h.Names(dir)
	if err != nil && len(names) == 0 {
		return nil, fmt.Errorf("%w", err)
	}
	l := make(map[string]string, len(names))
	for i := len(names) - 1; i >= 0; i-- {
		l[hive.Fold(names[i])] = names[i]
	}
	if len(f.listings) < maxListings {
		f.listings[dir] = l
	}
	return l, nil
}

// first gives the first of several paths that is there, and whether one is.
func (f *files) first(paths []string) (string, bool) {
	for _, p := range paths {
		if name, err := f.find(p); err == nil {
			if m, err := f.h.Lstat(name); err == nil && m.Mode&evidence.ModeType != evidence.ModeDir {
				return p, true
			}
		}
	}
	return "", false
}

// row describes a file.
func (f *files) row(path string) FileRow {
	folded := hive.Fold(path)
	if row, ok := f.known[folded]; ok {
		row.Path = jsonl.Text(path)
		return row
	}
	row := FileRow{Path: jsonl.Text(path)}
	if err := f.describe(path, &row); err != nil {
		_, note, _ := evidence.Classify(err, 0)
		row.Reason = jsonl.Text(note)
		if errors.Is(err, fs.ErrNotExist) {
			row.Reason = "not there"
		}
	}
	f.known[folded] = row
	return row
}

func (f *files) describe(path string, row *FileRow) error {
	name, err := f.find(path)
	if err != nil {
		return err
	}
	m, err := f.h.Stat(name)
	if err != nil {
		return err
	}
	row.Size, row.Mtime = m.Size, stamp(m.Mtime)
	switch {
	case !m.Regular():
		return evidence.Skip("a %s", evidence.KindOf(m.Mode))
	case m.Size > maxHashed:
		return evidence.Cut("over %d bytes", maxHashed)
	case m.Size > f.left:
		return evidence.Cut("over %d bytes of files together", int64(maxHashedTotal))
	case f.ctx.Err() != nil:
		return context.Cause(f.ctx)
	}
	f.left -= m.Size
	sum := sha256.New()
	if err := f.h.CopyFollow(sum, name, maxHashed); err != nil {
		return err
	}
	row.SHA256 = fmt.Sprintf("%x", sum.Sum(nil))
	f.sign(path, name, row)
	return nil
}

// sign tells how a file is signed, within the time that there is for it.
func (f *files) sign(path, name string, row *FileRow) {
	if f.signing > patienceSignatures {
		err := evidence.Cut("signatures were looked at for %v, and no longer", patienceSignatures)
		f.cut = cmp.Or(f.cut, err)
		row.Signature = &authenticode.Facts{Error: jsonl.Text(err.Error())}
		return
	}
	began := time.Now()
	defer func() { f.signing += time.Since(began) }()
	r, err := f.h.Reader(name)
	if err != nil {
		row.Signature = &authenticode.Facts{Error: jsonl.Text(err.Error())}
		return
	}
	defer r.Close()
	facts, err := f.signs.Facts(r, row.Size, path)
	if err != nil && facts.Error == "" {
		facts.Error = jsonl.Text(err.Error())
	}
	if facts != (authenticode.Facts{}) {
		row.Signature = &facts
	}
}

// read gives the contents of a small file, and its name on the host.
func (f *files) read(path string, limit int) ([]byte, string, error) {
	name, err := f.find(path)
	if err != nil {
		return nil, path, err
	}
	b, err := f.h.ReadFile(name, limit)
	return b, name, err
}

// names lists a directory of Windows.
func (f *files) dir(path string) ([]string, string, error) {
	name, err := f.find(path)
	if err != nil {
		return nil, path, err
	}
	names, err := f.h.Names(name)
	return names, name, err
}

// open opens a file for reading at any place.
func (f *files) open(path string) (collector.Reader, int64, error) {
	name, err := f.find(path)
	if err != nil {
		return nil, 0, err
	}
	m, err := f.h.Stat(name)
	if err != nil {
		return nil, 0, err
	}
	r, err := f.h.Reader(name)
	return r, m.Size, err
}
