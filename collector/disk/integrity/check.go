package integrity

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"hozen/collector"
	"hozen/collector/disk/integrity/packages"
	"hozen/collector/disk/known"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// A checker compares files with what a database says of them.
type checker struct {
	ctx           context.Context
	host          *collector.Host // quiet, if that is to be had
	walked        *collector.Host // the same as it was given: a walk has views of its own
	lists         *known.Lists
	users, groups map[string]uint32
}

func newChecker(ctx context.Context, h, walked *collector.Host, lists *known.Lists) *checker {
	return &checker{ctx: ctx, host: h, walked: walked, lists: lists, users: numbers(h, "/etc/passwd"), groups: numbers(h, "/etc/group")}
}

// numbers reads names and their numbers from passwd(5) or group(5).
func numbers(h *collector.Host, file string) map[string]uint32 {
	out := map[string]uint32{}
	b, _ := h.ReadFile(file, 16<<20) // without it only root and numbers can be compared
	for line := range strings.Lines(string(b)) {
		f := strings.Split(line, ":")
		if len(f) < 3 {
			continue
		}
		if n, err := strconv.ParseUint(f[2], 10, 32); err == nil {
			out[f[0]] = uint32(n)
		}
	}
	out["root"] = 0
	return out
}

// packages compares all files, on all processors.
func (c *checker) packages(list []packages.Package, tally *evidence.Tally) (rows []Row) {
	var next atomic.Int64
	var mu sync.Mutex
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			one := &comparer{c: c, buf: make([]byte, hashBlock)}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(list) || c.ctx.Err() != nil {
					break
				}
				for k := range list[i].Files {
					if c.ctx.Err() != nil {
						break
					}
					one.file(&list[i], &list[i].Files[k])
				}
			}
			mu.Lock()
			defer mu.Unlock()
			rows = append(rows, one.rows...)
			tally.Merge(&one.tally)
		})
	}
	work.Wait()
	return rows
}

// A comparer is one worker.
type comparer struct {
	c     *checker
	buf   []byte
	rows  []Row
	tally evidence.Tally
}

// file compares one file.
func (w *comparer) file(p *packages.Package, f *packages.File) {
	m, err := w.c.host.Lstat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP):
		w.missing(p, f)
		return
	case err != nil:
		w.unreadable(p, f, err)
		return
	}
	if want := f.Mode & evidence.ModeType; want != 0 && m.Mode&evidence.ModeType != want || want == 0 && f.Digest != "" && !m.Regular() {
		w.replaced(p, f, m)
		return
	}
	w.contents(p, f, m)
	if f.Flags.Has(packages.NoMeta) {
		return
	}
	w.modeAndOwner(p, f, m)
	if f.Link == "" {
		return
	}
	if target, err := w.c.host.Readlink(f.Path); err == nil && target != f.Link {
		r := of("link", p, f)
		r.meta(m)
		r.Level, r.ExpectedLink, r.Link = "medium", jsonl.Text(f.Link), jsonl.Text(target)
		w.rows = append(w.rows, r)
	}
}

func (w *comparer) missing(p *packages.Package, f *packages.File) {
	if f.Flags.Has(packages.Optional) {
		return
	}
	r := of("missing", p, f)
	r.Algorithm, r.Expected = f.Algorithm, f.Digest
	if program(f.Path, f.Mode) {
		r.Level = "medium"
	}
	r.Explained = explain(f.Path)
	w.rows = append(w.rows, r)
}

func (w *comparer) unreadable(p *packages.Package, f *packages.File, err error) {
	w.tally.Add(f.Path, err)
	r := of("unreadable", p, f)
	_, r.Note, _ = evidence.Classify(err, 0)
	w.rows = append(w.rows, r)
}

// replaced: another kind of file is there. A link to a file with the right contents is
// what administrators do; it is said all the same.
func (w *comparer) replaced(p *packages.Package, f *packages.File, m *evidence.FileMeta) {
	r := of("replaced", p, f)
	r.meta(m)
	r.Level, r.ExpectedMode, r.Algorithm, r.Expected = "medium", octal(f.Mode), f.Algorithm, f.Digest
	if f.Mode == 0 {
		r.ExpectedMode = octal(evidence.ModeRegular)
	}
	if m.Mode&evidence.ModeType == evidence.ModeSymlink {
		target, err := w.c.host.Readlink(f.Path)
		if err == nil {
			r.Link = jsonl.Text(target)
		}
	}
	w.rows = append(w.rows, r)
}

// contents compares the digest, or where there is none the size.
func (w *comparer) contents(p *packages.Package, f *packages.File, m *evidence.FileMeta) {
	if !m.Regular() || f.Flags.Has(packages.NoDigest) {
		return
	}
	sum := newHash(f.Algorithm)
	if sum == nil || f.Digest == "" {
		return
	}
	if m.Size > maxCompared || m.Size-m.Blocks*512 > maxHole {
		w.unreadable(p, f, evidence.Cut("%s: not compared: %d bytes, of which %d are on the disk: no package has such a file", f.Path, m.Size, m.Blocks*512))
		return
	}
	found, err := w.digest(f.Path, m.Size, sum)
	if err != nil {
		w.unreadable(p, f, err)
		return
	}
	if found == f.Digest {
		return
	}
	kind, level := "changed", "medium"
	switch {
	case f.Flags.Has(packages.Config):
		kind, level = "conffile_changed", "low"
	case program(f.Path, m.Mode):
		level = "high"
	}
	r := of(kind, p, f)
	r.meta(m)
	r.Level, r.Algorithm, r.Expected, r.Found, r.ExpectedSize = level, f.Algorithm, f.Digest, found, max(f.Size, 0)
	if r.Explained = explain(f.Path); r.Explained != "" {
		r.Level = "low"
	}
	w.c.sums(&r, m.Size)
	w.rows = append(w.rows, r)
}

// Bounds of a file that is compared: what somebody made longer, by a hole or by writing
// to it all the time, must not keep us from the others.
const (
	maxCompared = 8 << 30 // bytes
	maxHole     = 1 << 30 // bytes of holes
)

// digest hashes a file of size bytes, and gives the hash in hex. Of one that has grown
// meanwhile one byte more is hashed, and so it is not what it should be.
func (w *comparer) digest(name string, size int64, sum hash.Hash) (string, error) {
	r, err := w.c.host.Reader(name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	in := io.LimitReader(r, size+1)
	for {
		n, err := in.Read(w.buf)
		sum.Write(w.buf[:n])
		if err == io.EOF {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err == nil {
			err = w.c.ctx.Err()
		}
		if err != nil {
			return "", err
		}
	}
}

// sums adds the file's own hashes and what lists say of it.
func (c *checker) sums(r *Row, size int64) {
	f, err := c.host.Reader(string(r.Path))
	if err != nil {
		return
	}
	defer f.Close()
	c.sumsOf(r, f, size)
}

func (c *checker) sumsOf(r *Row, f io.Reader, size int64) {
	s, _, _, err := newThree().file(f, size, c.ctx.Err)
	if err != nil {
		r.Note = "not hashed: " + noteOf(err, 0)
		return
	}
	r.SHA256 = hex.EncodeToString(s.sha256[:])
	r.Known = c.lists.Match(s.sha256, s.sha1, s.md5)
}

func (w *comparer) modeAndOwner(p *packages.Package, f *packages.File, m *evidence.FileMeta) {
	if f.HasMode && (f.Mode^m.Mode)&0o7777 != 0 && m.Mode&evidence.ModeType != evidence.ModeSymlink {
		r := of("mode", p, f)
		r.meta(m)
		r.ExpectedMode = octal(f.Mode)
		switch gained := m.Mode &^ f.Mode; {
		case gained&0o6000 != 0 && m.Regular():
			r.Level = "high"
		case gained&0o022 != 0:
			r.Level = "medium"
		}
		w.rows = append(w.rows, r)
	}
	uid, userKnown := number(w.c.users, f.User)
	gid, groupKnown := number(w.c.groups, f.Group)
	if userKnown && uid != m.UID || groupKnown && gid != m.GID {
		r := of("owner", p, f)
		r.meta(m)
		r.ExpectedBy, r.Owner = f.User+":"+f.Group, fmt.Sprintf("%d:%d", m.UID, m.GID)
		if userKnown && uid == 0 && m.UID != 0 {
			r.Level = "medium"
		}
		w.rows = append(w.rows, r)
	}
}

func number(names map[string]uint32, name string) (uint32, bool) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), true
	}
	n, ok := names[name]
	return n, ok
}

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "md5":
		return md5.New()
	case "sha1":
		return sha1.New()
	case "sha224":
		return sha256.New224()
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return nil
}

func octal(mode uint32) string { return fmt.Sprintf("%06o", mode) }

func itoa(n int) string { return strconv.Itoa(n) }
