package onwindows

import (
	"cmp"
	"context"
	"crypto/sha256"
	stdhex "encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/pe"
	"hozen/collector/pe/authenticode"
	"hozen/collector/section"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// maxImage is the largest file that is hashed as an image, in bytes.
const maxImage = 1 << 30

// How long the images of processes and drivers may take together, and those of modules: to
// be hashed, and then once more to have their signatures looked at. The rows wait for them.
const (
	patienceImages  = 75 * time.Second
	patienceModules = 30 * time.Second
)

// images reads each image file once: the smallest is hashed first, so that as many as
// possible are before the time is over.
type images struct {
	h     *collector.Host
	signs *authenticode.Checker
	byKey map[string]*ImageFile // by path in lower case
	order []*ImageFile          // that were not read yet
}

// want gives the row of a file by its Windows path, which is filled by read; nil for no path.
func (im *images) want(path string) *ImageFile {
	if path == "" {
		return nil
	}
	key := strings.ToLower(path)
	row, ok := im.byKey[key]
	if !ok {
		row = &ImageFile{Path: jsonl.Text(path)}
		if im.byKey == nil {
			im.byKey = map[string]*ImageFile{}
		}
		im.byKey[key] = row
		im.order = append(im.order, row)
	}
	return row
}

// read fills all rows that were wanted since it was called last, and counts what could not
// be read.
func (im *images) read(ctx context.Context, patience time.Duration, tally *evidence.Tally) {
	wanted := im.order
	im.order = nil
	for _, row := range wanted {
		row.fail(im.meta(row))
	}
	sorted := slices.Clone(wanted)
	sorting.By(sorted, func(a, b *ImageFile) int { return cmp.Compare(a.Size, b.Size) })
	hash := func(ctx context.Context, row *ImageFile) error {
		return within(ctx, 20*time.Second, func(ctx context.Context) error { return im.contents(ctx, row) })
	}
	each(ctx, patience, "images were read for", sorted, tally, hash, (*ImageFile).fail)
	each(ctx, patience, "signatures were looked at for", wanted, tally, im.signature, (*ImageFile).unsure)
}

// each does something with every row that is whole, until the time is over.
func each(ctx context.Context, patience time.Duration, what string, rows []*ImageFile, tally *evidence.Tally, do func(context.Context, *ImageFile) error, failed func(*ImageFile, error)) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, evidence.Cut("%s %v, and no longer", what, patience))
	defer cancel()
	for _, row := range rows {
		if row.Error != "" {
			continue
		}
		err := context.Cause(ctx)
		if err == nil {
			err = do(ctx, row)
		}
		failed(row, err)
		tally.Add(string(row.Path), err)
	}
}

// signature looks at the signature of a file, and asks Windows about it. The row is filled
// with what came in time.
func (im *images) signature(ctx context.Context, row *ImageFile) error {
	path, size := string(row.Path), row.Size
	made := make(chan authenticode.Facts, 1)
	err := within(ctx, 20*time.Second, func(context.Context) error {
		name, err := hostName(path)
		if err != nil {
			return err
		}
		f, err := im.h.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		facts, err := im.signs.Facts(f, size, path)
		made <- facts
		return err
	})
	select {
	case facts := <-made:
		if facts != (authenticode.Facts{}) {
			row.Signature = &facts
		}
	default:
	}
	return err
}

// unsure says why the signature of a file is not known, or not in full.
func (row *ImageFile) unsure(err error) {
	switch {
	case err == nil:
	case row.Signature == nil:
		row.Signature = &authenticode.Facts{Error: jsonl.Text(section.Because(err))}
	case row.Signature.Error == "":
		row.Signature.Error = jsonl.Text(section.Because(err))
	}
}

// maxModuleFiles bounds the files of modules that are looked at.
const maxModuleFiles = 1 << 13

// besides says whether the file of a module is looked at: all but those in directories of
// the system itself in which not everybody can put a file. Malware that comes as a library
// of a service lies there, too: the table of services has its signature.
func (b *processBasis) besides(path string) bool {
	folded, root := strings.ToLower(path), strings.ToLower(b.root)
	if root == "" {
		return path != ""
	}
	for _, dir := range []string{`\system32\tasks\`, `\syswow64\tasks\`, `\system32\spool\drivers\color\`, `\system32\com\dmp\`, `\system32\fxstmp\`} {
		if strings.HasPrefix(folded, root+dir) {
			return true
		}
	}
	for _, dir := range []string{`\system32\`, `\syswow64\`, `\sysarm32\`, `\sychpe32\`, `\winsxs\`, `\assembly\`, `\microsoft.net\`, `\systemapps\`} {
		if strings.HasPrefix(folded, root+dir) {
			return false
		}
	}
	return path != ""
}

func (row *ImageFile) fail(err error) {
	if err != nil {
		row.Error = jsonl.Text(section.Because(err))
	}
}

// hostName gives the name of a Windows path in a collector.Host.
func hostName(path string) (string, error) {
	if len(path) < 4 || path[1] != ':' || path[2] != '\\' {
		return "", evidence.Skip("%s: is on no drive", path)
	}
	return "/" + strings.ReplaceAll(path, `\`, "/"), nil
}

func (im *images) meta(row *ImageFile) error {
	name, err := hostName(string(row.Path))
	if err != nil {
		return err
	}
	st, err := im.h.Lstat(name)
	if err != nil {
		return err
	}
	row.Size, row.Mtime, row.Btime = st.Size, stampTime(st.Mtime), stampTime(st.Btime)
	return nil
}

// contents hashes the file and reads what its headers say. The row is filled at the end: a
// read that was left behind changes nothing.
func (im *images) contents(ctx context.Context, row *ImageFile) error {
	name, err := hostName(string(row.Path))
	if err != nil {
		return err
	}
	f, err := im.h.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{sum}, io.LimitReader(sparse.UntilDone(ctx, f), maxImage+1), make([]byte, 1<<18))
	switch {
	case err != nil:
		return err
	case n > maxImage:
		return evidence.Cut("larger than the limit of %d bytes", maxImage)
	}
	got := ImageFile{Size: n, SHA256: stdhex.EncodeToString(sum.Sum(nil))}
	if image, err := pe.File(f, n); err == nil {
		got.describe(image)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	row.Size, row.SHA256, row.Machine, row.Timestamp, row.Imphash = got.Size, got.SHA256, got.Machine, got.Timestamp, got.Imphash
	row.PDB, row.FileVersion, row.ProductVersion, row.Version = got.PDB, got.FileVersion, got.ProductVersion, got.Version
	return nil
}

// describe takes what the image says of itself; what is damaged is left out.
func (row *ImageFile) describe(image *pe.Image) {
	row.Machine, row.Timestamp = fmt.Sprintf("%#x", image.Machine), stampUnix(image.Timestamp)
	if imports, err := image.Imports(); err == nil {
		row.Imphash, _ = pe.Imphash(imports)
	}
	if pdb, err := image.PDB(); err == nil {
		row.PDB = jsonl.Text(pdb.Path)
	}
	v, _ := image.Version()
	row.FileVersion, row.ProductVersion = v.File, v.Product
	for _, s := range v.Strings {
		row.Version = append(row.Version, VersionString{s.Language, jsonl.Text(s.Key), jsonl.Text(s.Value)})
	}
}

// errHangs is why something that does not come back is left behind.
var errHangs = errors.New("no answer in time: left behind")

// within runs work and leaves it behind when it takes too long: a file on another machine
// may never answer.
func within(ctx context.Context, patience time.Duration, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errHangs)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
