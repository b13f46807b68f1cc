package packager

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"hozen/packager/evidence/fault"
)

// Where an archive is not read from its beginning, its last segment tells of all others: the
// lists in it say what there is, where it lies, and what its hash is.

// lists finds manifest, index and tag manifest in the last segment, and what is wanted in them.
func (p *picker) lists(ctx context.Context) error {
	at := map[string]place{}
	last, lastList := checkpointName(p.s.Checkpoints, ".jsonl"), checkpointName(p.s.Checkpoints, ".sha256")
	for off, end := p.lastSegment(), p.s.TarBytes; off < end && ctx.Err() == nil; {
		name, size, body, err := p.member(off)
		if err != nil {
			return err
		}
		switch name {
		case nameTagManifest, nameIndex, nameManifest, lastList:
			at[name] = place{name: name, off: body, size: size}
		}
		if name == last {
			p.found = append(p.found, place{name: name, off: off, size: size, segment: p.s.Checkpoints})
		}
		if name == lastList || name == nameTagManifest && !p.records {
			break
		}
		off = body + size + padding(size)
	}
	indexSum, tag := "", false
	err := p.lines(ctx, at[nameTagManifest], p.s.TagManifest.SHA256, func(sum, name string) {
		switch {
		case name == nameIndex:
			indexSum = sum
		case isJobMember(name):
			p.job[name] = sum
		case p.records && isRecords(name):
			p.recordSums[name] = sum
			return
		}
		tag = tag || p.want(name)
	})
	for _, name := range []string{nameTagManifest, nameSeal, nameSeal + sigSuffix, nameSeal + deviceSigSuffix, nameSeal + operatorSigSuffix, nameSeekTable} {
		tag = tag || p.want(name)
	}
	for _, ext := range []string{".jsonl", ".sha256", ".json", ".json" + sigSuffix} {
		tag = tag || p.want(checkpointName(p.s.Checkpoints, ext)) && !(p.records && ext == ".jsonl")
	}
	if err != nil || indexSum == "" || tag {
		return fmt.Errorf("tag manifest: no index in it, or a tag file is wanted (%v)", err)
	}
	end := p.found // the records of the last segment, of which the index does not know yet
	p.found = nil
	if err := p.index(ctx, at[nameIndex], indexSum); err != nil {
		return err
	}
	if p.records {
		p.found = append(p.found, end...)
		if err := p.lines(ctx, at[lastList], p.lastList.SHA256, func(sum, name string) {
			if name == last {
				p.recordSums[name] = sum
			}
		}); err != nil {
			return err
		}
	}
	return p.sums(ctx, at[nameManifest])
}

// sums finds the hashes of what was found.
func (p *picker) sums(ctx context.Context, manifest place) error {
	sums := map[string]int{}
	for i, f := range p.found {
		sums[f.name] = i
		p.found[i].sum = p.recordSums[f.name]
	}
	return p.lines(ctx, manifest, p.s.Manifest.SHA256, func(sum, name string) {
		if i, ok := sums[name]; ok {
			p.found[i].sum = sum
		}
	})
}

// lastSegment is the tar offset behind the last checkpoint but one. In the seek table a
// marker, and the pad behind it, are frames without contents.
func (p *picker) lastSegment() int64 {
	i := len(p.plain) - 1
	empty := func() bool { return i > 0 && p.plain[i] == p.plain[i-1] }
	for empty() {
		i--
	}
	for i > 0 && !empty() {
		i--
	}
	return p.plain[i]
}

// maxLine bounds a line of a list in bytes: a hash or numbers, and the longest name that a
// member can have, are shorter.
const maxLine = 4 << 10

// each calls f with the lines of a member, whose hash must be sum. No line is longer than maxLine.
func (p *picker) each(ctx context.Context, m place, sum string, f func(line string) error) error {
	if m.size > 1<<30 {
		return fmt.Errorf("%s: of %d bytes", m.name, m.size)
	}
	h, rest := sha256.New(), make([]byte, 0, maxLine)
	err := p.contents(ctx, m.off, m.size, func(b []byte) error {
		h.Write(b)
		for len(b) > 0 {
			line, after, whole := bytes.Cut(b, []byte("\n"))
			if len(rest)+len(line) > maxLine {
				return contradiction("%s: a line of over %d bytes", m.name, maxLine)
			}
			rest, b = append(rest, line...), after
			if !whole {
				return nil
			}
			if err := f(string(rest)); err != nil {
				return err
			}
			rest = rest[:0]
		}
		return nil
	})
	if err == nil && hex.EncodeToString(h.Sum(nil)) != sum {
		err = contradiction("%s is not the one that the seal names", m.name)
	}
	return err
}

func (p *picker) lines(ctx context.Context, m place, sum string, f func(sum, name string)) error {
	return p.each(ctx, m, sum, func(line string) error {
		if sum, name, ok := strings.Cut(line, "  "); ok {
			f(sum, name)
		}
		return nil
	})
}

// index finds what is wanted, and counts what there is. Each of its lines must be one that
// the whole pass allows: names are never handed out that this format forbids.
func (p *picker) index(ctx context.Context, m place, sum string) error {
	rep, all := p.v.rep, newNames()
	return p.each(ctx, m, sum, func(line string) error {
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			return contradiction("a line of %s is not in its form", nameIndex)
		}
		off, err1 := strconv.ParseInt(f[1], 10, 64)
		size, err2 := strconv.ParseInt(f[2], 10, 64)
		k, err3 := strconv.Atoi(f[3])
		if err := fault.Join(err1, err2, err3); err != nil {
			return contradiction("a line of %s is not in its form (%v)", nameIndex, err)
		}
		if !cleanMember(f[0]) || !all.takeMember(f[0]) {
			return contradiction("%s has %q: not a name of this archive, or one that another has", nameIndex, f[0])
		}
		payload := strings.HasPrefix(f[0], dataPrefix)
		if payload {
			rep.Members, rep.Payload = rep.Members+1, rep.Payload+size
		}
		if payload && p.want(f[0]) || p.records && isRecords(f[0]) {
			p.found = append(p.found, place{name: f[0], off: off, size: size, segment: k})
		}
		return nil
	})
}

// isRecords says whether a member has the records of a segment.
func isRecords(name string) bool {
	return strings.HasPrefix(name, nameCheckpoints) && strings.HasSuffix(name, ".jsonl")
}

// dataPrefix begins the names of payload.
const dataPrefix = "data/"

// contents reads n bytes of the tar stream, at most 1 MiB at a time.
func (p *picker) contents(ctx context.Context, off, n int64, f func([]byte) error) error {
	buf := make([]byte, min(n, BlockSize))
	for n > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b := buf[:min(n, BlockSize)]
		if _, err := p.ReadAt(b, off); err != nil {
			return err
		}
		if err := f(b); err != nil {
			return err
		}
		off, n = off+int64(len(b)), n-int64(len(b))
	}
	return nil
}

// keptItems is how many bytes are kept of what was found; the rest is read twice.
const keptItems = 8 << 20

// hashes reads what was found and holds it against the manifest: before a byte is handed out.
func (p *picker) hashes(ctx context.Context) error {
	left := int64(keptItems)
	for i := range p.found {
		m := &p.found[i]
		name, size, body, err := p.member(m.off)
		if err != nil || name != m.name || size != m.size {
			return contradiction("%s is not where the index says (%v)", m.name, err)
		}
		m.off = body
		var kept bytes.Buffer
		to := io.Discard
		if left -= m.size; left >= 0 {
			to = &kept
		}
		if err := p.hashed(ctx, *m, to); err != nil {
			return err
		}
		if left >= 0 {
			m.kept = kept.Bytes()
		}
	}
	return nil
}

func (p *picker) hashed(ctx context.Context, m place, to io.Writer) error {
	h := sha256.New()
	err := p.contents(ctx, m.off, m.size, func(b []byte) error {
		h.Write(b)
		_, err := to.Write(b)
		return err
	})
	if err == nil && hex.EncodeToString(h.Sum(nil)) != m.sum {
		err = contradiction("%s has another hash than the manifest says", m.name)
	}
	return err
}

// hand gives the visitor what is proved.
func (p *picker) hand(ctx context.Context, v visitor) error {
	for _, m := range p.found {
		w, err := v.begin(m.name, m.size)
		if err != nil {
			return err
		}
		switch {
		case w == nil:
		case m.kept != nil:
			_, err = w.Write(m.kept)
		default:
			err = p.hashed(ctx, m, w)
		}
		if err != nil {
			return err
		}
		if err := v.end(); err != nil {
			return err
		}
		if err := v.authentic(m.segment); err != nil {
			return err
		}
	}
	return nil
}
