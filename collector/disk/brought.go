package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hozen/collector/disk/artifact"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// Bounds of a folder of definitions that the responder brings.
const (
	maxBroughtFiles = 10_000
	maxBroughtBytes = 64 << 20
)

// A Brought is a folder of definitions that the responder brings (--definitions DIR),
// read once, from where we run: what is archived is what was used.
type Brought struct {
	Folder string // as it was given
	Files  []BroughtFile
	// SHA256 is that of the manifest: for each file, in the order of the names, the
	// line that sha256sum prints: the hash in hex, two spaces, the name, a newline.
	SHA256      string
	Definitions []artifact.Definition
}

// A BroughtFile is one file of definitions.
type BroughtFile struct {
	Name   string // in the folder, with / between components
	SHA256 string // in hex
	Bytes  []byte
}

// Bring reads the definitions (*.yaml, *.yml) in a folder and the folders in it; links
// are not followed. An error says which file is not one of definitions, and where.
func Bring(folder string) (*Brought, error) {
	b := &Brought{Folder: folder}
	total := 0
	err := filepath.WalkDir(folder, func(name string, e fs.DirEntry, err error) error {
		ext := filepath.Ext(name)
		if err != nil || !e.Type().IsRegular() || ext != ".yaml" && ext != ".yml" {
			return err
		}
		text, err := readBrought(name, maxBroughtBytes-total)
		if err != nil {
			return err
		}
		if total += len(text); len(b.Files) == maxBroughtFiles {
			return fmt.Errorf("%s: more than %d files of definitions", folder, maxBroughtFiles)
		}
		rel, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		b.Files = append(b.Files, BroughtFile{filepath.ToSlash(rel), hex.EncodeToString(sum[:]), text})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("definitions: %w", err)
	}
	if len(b.Files) == 0 {
		return nil, fmt.Errorf("definitions: %s: no *.yaml in it", folder)
	}
	return b, b.parse()
}

func readBrought(name string, room int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(room)+1))
	if err == nil && len(text) > room {
		err = fmt.Errorf("%s: more than %d bytes of definitions", name, maxBroughtBytes)
	}
	return text, err
}

// parse sorts the files by their names, and makes of them the hash and the definitions.
func (b *Brought) parse() error {
	sorting.By(b.Files, func(a, b BroughtFile) int { return strings.Compare(a.Name, b.Name) })
	manifest := sha256.New()
	for _, f := range b.Files {
		fmt.Fprintf(manifest, "%s  %s\n", f.SHA256, f.Name)
		some, err := artifact.Parse(filepath.Join(b.Folder, f.Name), f.Bytes)
		if err != nil {
			return fmt.Errorf("definitions: %w", err)
		}
		b.Definitions = append(b.Definitions, some...)
	}
	b.SHA256 = hex.EncodeToString(manifest.Sum(nil))
	return nil
}

// Put archives the files as items definitions/<n>/<file>; n tells several folders apart.
func (b *Brought) Put(ctx context.Context, n int, to evidence.Sink) error {
	for _, f := range b.Files {
		item := evidence.Item{Path: fmt.Sprintf("definitions/%d/%s", n, f.Name), Source: filepath.Join(b.Folder, f.Name)}
		if err := to.Put(ctx, item, func(w io.Writer) error { _, err := w.Write(f.Bytes); return err }); err != nil {
			return err
		}
	}
	return nil
}
