package packager

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"hozen/packager/evidence/sorting"
)

// Items with SHA-1 and MD5 in their records are read a second time, when the
// signatures and SHA-256 of everything are known to be right: which items these
// are is said after them. Where no record has them, nothing is read twice.

// An oldSums is what a record says of an item that is one member. The name is kept
// as a hash with a seed of our own, since there may be millions of them.
type oldSums struct {
	tarOff int64
	name   uint64
	sha1   [20]byte
	md5    [16]byte
}

// oldJoined is what a record says of an item in parts, and what they are.
type oldJoined struct {
	path        string
	parts, seen int
	sha1        [20]byte
	md5         [16]byte
	got         *oldHashes
}

// oldRecords remembers the old hashes in the records of an archive.
type oldRecords struct {
	seed     maphash.Seed
	single   []oldSums
	joined   map[string]*oldJoined
	partsIn  map[uint64]int // first segment with a part of that item
	segments []bool         // to be read again, from segment 1 at 0
}

func newOldRecords() *oldRecords {
	return &oldRecords{seed: maphash.MakeSeed(), joined: map[string]*oldJoined{}, partsIn: map[uint64]int{}}
}

// hasOld says whether a record may have old hashes: in the one spelling in which
// they count. Within a JSON string the quotes would be escaped.
func hasOld(line []byte) bool {
	return bytes.Contains(line, []byte(`"sha1":"`)) || bytes.Contains(line, []byte(`"md5":"`))
}

// member is told of every member, for the parts among them.
func (o *oldRecords) member(name string, segment int) {
	if whole, part, ok := cutPart(name); ok && part == "000000" {
		o.partsIn[maphash.String(o.seed, whole)] = segment
	}
}

// cutPart divides the name of a part.
func cutPart(name string) (whole, part string, ok bool) {
	at := len(name) - len(".p000000")
	if at <= 0 || !isPart(name, name[:at]) {
		return "", "", false
	}
	return name[:at], name[at+len(".p"):], true
}

// records takes the records of a segment. starts are the tar offsets at which
// segments begin, from segment 1.
func (o *oldRecords) records(body []byte, starts []int64) error {
	if !hasOld(body) {
		return nil
	}
	for line := range bytes.Lines(body) {
		if !hasOld(line) {
			continue
		}
		var l RecordLine
		if err := json.Unmarshal(line, &l); err != nil {
			return contradiction("records of segment %d: %v", len(starts), err)
		}
		if err := o.record(&l, starts); err != nil {
			return err
		}
	}
	return nil
}

func (o *oldRecords) record(l *RecordLine, starts []int64) error {
	var s oldSums
	if !hexInto(s.sha1[:], l.SHA1) || !hexInto(s.md5[:], l.MD5) || l.SHA256 == "" || l.Part != nil {
		return contradiction("the record of %q has SHA-1 and MD5 not in their form or place", l.Path)
	}
	if l.Parts > 0 {
		from := o.partsIn[maphash.String(o.seed, l.Path)]
		if from == 0 || o.joined[l.Path] != nil {
			return contradiction("the record of %q has SHA-1 and MD5 of parts that are not there, or twice", l.Path)
		}
		o.joined[l.Path] = &oldJoined{path: l.Path, parts: l.Parts, sha1: s.sha1, md5: s.md5, got: newOldHashes(true)}
		o.readAgain(from, len(starts), len(starts))
		return nil
	}
	if l.TarOff == nil || *l.TarOff < 0 {
		return contradiction("the record of %q has SHA-1 and MD5, but no place", l.Path)
	}
	s.tarOff, s.name = *l.TarOff, maphash.String(o.seed, l.Path)
	o.single = append(o.single, s)
	at, exact := slices.BinarySearch(starts, s.tarOff)
	if exact {
		at++
	}
	o.readAgain(at, at, len(starts))
	return nil
}

func hexInto(sum []byte, text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == copy(sum, b) && len(b) == len(sum) && strings.ToLower(text) == text
}

func (o *oldRecords) readAgain(from, to, segments int) {
	for len(o.segments) < segments {
		o.segments = append(o.segments, false)
	}
	for k := max(from, 1); k <= to; k++ {
		o.segments[k-1] = true
	}
}

// checkOld reads the segments again that have items with old hashes.
func (v *verification) checkOld(ctx context.Context) error {
	o := v.c.old
	if len(o.single)+len(o.joined) == 0 {
		return nil
	}
	sorting.By(o.single, func(a, b oldSums) int { return cmp.Compare(a.tarOff, b.tarOff) })
	again := &oldReader{o: o}
	for k := 1; k <= v.rep.Checkpoint && k <= len(o.segments); k++ {
		from := k
		for k <= min(v.rep.Checkpoint, len(o.segments)) && o.segments[k-1] {
			k++
		}
		if k > from {
			if err := v.readAgain(ctx, again, from, k-1); err != nil {
				return v.wrongOld(err)
			}
		}
	}
	return v.wrongOld(again.end())
}

// wrongOld makes a finding of what contradicts a record.
func (v *verification) wrongOld(err error) error {
	if !evidenceProblem(err) {
		return err
	}
	v.bad = true
	v.rep.finding("%v", err)
	return nil
}

// readAgain passes the members of some segments to a second taker.
func (v *verification) readAgain(ctx context.Context, to memberTaker, first, last int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start, end := v.c.sums[first-1].Bytes, v.c.sums[last].Bytes
	pieces, err := readPieces(ctx, io.NewSectionReader(v.r, start, end-start))
	if err != nil {
		return err
	}
	tar := tarParser{epoch: v.c.tar.epoch, off: v.c.starts[first-1], to: to}
	for p := range pieces {
		<-p.ready
		switch {
		case p.err == io.EOF:
			return nil
		case p.err != nil:
			return p.err
		case p.kind == frameData:
			if err := tar.feed(p.plain); err != nil {
				return err
			}
			p.release()
		case p.kind == frameStored:
			tar.off += int64(len(p.plain))
		}
	}
	return context.Cause(ctx)
}

// An oldReader computes the old hashes of members and compares them.
type oldReader struct {
	o    *oldRecords
	name string
	got  *oldHashes
	want []oldSums  // of this member
	part *oldJoined // that this member is part of
}

func (r *oldReader) memberBegin(full string, _, tarOff int64) error {
	_, name, _ := strings.Cut(full, "/")
	r.name, r.got, r.want, r.part = name, nil, nil, nil
	if whole, _, ok := cutPart(name); ok && r.o.joined[whole] != nil {
		r.part = r.o.joined[whole]
		r.got = r.part.got
		r.part.seen++
	}
	for len(r.o.single) > 0 && r.o.single[0].tarOff == tarOff {
		r.want, r.o.single = append(r.want, r.o.single[0]), r.o.single[1:]
	}
	if len(r.want) > 0 && r.part != nil {
		return contradiction("%q is a part, and has SHA-1 and MD5 of its own", name)
	}
	if len(r.want) > 0 {
		r.got = newOldHashes(true)
	}
	return nil
}

func (r *oldReader) memberBytes(b []byte) error {
	r.got.begin(b)()
	return nil
}

func (r *oldReader) memberEnd() error {
	for _, w := range r.want {
		if w.name != maphash.String(r.o.seed, r.name) {
			return contradiction("the record with the place of %q has another name", r.name)
		}
		if !r.got.are(w.sha1, w.md5) {
			return contradiction("SHA-1 or MD5 of %q is not what its record says", r.name)
		}
	}
	return nil
}

// end compares items in parts, and finds records of what was not there.
func (r *oldReader) end() error {
	if len(r.o.single) > 0 {
		return contradiction("a record has SHA-1 and MD5 of a member at tar offset %d, where none begins", r.o.single[0].tarOff)
	}
	for _, j := range r.o.joined {
		if j.seen != j.parts || !j.got.are(j.sha1, j.md5) {
			return contradiction("SHA-1 or MD5 of %q, in %d parts, is not what its record says", j.path, j.seen)
		}
	}
	return nil
}

func (o *oldHashes) are(sha1 [20]byte, md5 [16]byte) bool {
	return bytes.Equal(o.sha1.Sum(nil), sha1[:]) && bytes.Equal(o.md5.Sum(nil), md5[:])
}

// decodeRecord reads one line of records for somebody who shows it: old hashes in
// a spelling in which nobody checked them are refused.
func decodeRecord(line []byte) (l RecordLine, err error) {
	if err = json.Unmarshal(line, &l); err == nil && l.SHA1+l.MD5 != "" && !hasOld(line) {
		err = fmt.Errorf("%q: SHA-1 and MD5 in another spelling", l.Path)
	}
	return l, err
}
