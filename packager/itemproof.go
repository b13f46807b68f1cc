package packager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"hozen/packager/signed"
)

// What an item's verdict rests on beside the seal. Each step does what the whole pass does,
// with the same functions; an error sends the archive to that.

// statements follows the keys from genesis to the seal: the statement of each checkpoint,
// signed by the key that the one before announced. A frame without contents behind one that
// has some is a marker, and the statement stands before it.
func (p *picker) statements(ctx context.Context) error {
	c, k := p.v.c, 0
	for i := 1; i < len(p.plain)-1; i++ {
		if p.plain[i+1] > p.plain[i] || p.plain[i] == p.plain[i-1] {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k++
		if err := p.statement(k, i-1); err != nil {
			return fmt.Errorf("checkpoint %d: %w", k, err)
		}
	}
	if k != p.s.Checkpoints || !c.sealing || c.prev != p.s.Last || c.announced != p.s.Key || p.lastTree != p.s.Tree {
		return errors.New("the seal does not follow the last checkpoint")
	}
	if c.sums[k].Bytes == p.s.Archive.Bytes { // there is no pad between
		c.sums[k] = p.s.Archive
	}
	return nil
}

// statement takes that of checkpoint k, in frame i, and the marker behind it.
func (p *picker) statement(k, i int) error {
	c := p.v.c
	at := io.NewSectionReader(p.v.r, p.packed[i], p.packed[i+2]-p.packed[i])
	f, err := nextFrame(at, p.packed[i], nil)
	if err != nil || f.kind != frameStored || int64(len(f.bytes)) != p.packed[i+1]-p.packed[i] || c.sealing {
		return fmt.Errorf("no statement, or none that can be there (%v)", err)
	}
	list, rest, err := storedMembers(f.plain, c.tar.epoch, c.id)
	if err != nil {
		return err
	}
	name := checkpointName(k, ".json")
	if len(list) != 2 || len(rest) != 0 || list[0].name != name || list[1].name != name+sigSuffix {
		return errors.New("another statement is in its place")
	}
	var s Checkpoint
	if err := signed.Decode(list[0].body, &s); err != nil {
		return err
	}
	if err := c.signedBy(s.Key, signed.Checkpoint, list[0].body, list[1].body); err != nil {
		return err
	}
	want := s
	want.Type, want.Collection, want.Seq, want.Prev, want.Manifest.Path = typeCheckpoint, c.id, k, c.prev, checkpointName(k, ".sha256")
	want.Archive.Bytes, want.TarBytes = p.packed[i], p.plain[i]
	if s != want || s.Status != "open" && s.Status != "sealing" {
		return fmt.Errorf("it states other than what stands there: %s", differences(s, want))
	}
	if mark, err := nextFrame(at, p.packed[i+1], nil); err != nil || !bytes.Equal(mark.bytes, marker(c.genesis, k)) {
		return fmt.Errorf("no marker behind it (%v)", err)
	}
	c.prev, c.announced, c.sealing, p.lastList, p.lastTree = signed.HexSum(list[0].body), s.NextKey, s.Status == "sealing", s.Manifest, s.Tree
	c.statement[k], c.keys[k], c.walls[k] = c.prev, s.Key, s.Time.Wall
	c.sums[k] = Prefix{Bytes: p.packed[i+2]} // its hash is that of bytes that are not read
	return nil
}

// asked takes the job that was read behind genesis: it must be, member by member, what the
// tag manifest has, and nothing else.
func (p *picker) asked(context.Context) error {
	c := p.v.c
	if len(p.job) != len(c.job) || len(c.job) > 0 && c.asked == nil {
		return errors.New("the job is not the one of the tag manifest")
	}
	for i, body := range c.job {
		if signed.HexSum([]byte(body)) != p.job[jobMember(i)] {
			return contradiction("%s is not the one of the tag manifest", jobMember(i))
		}
	}
	p.v.rep.Job = c.asked
	return nil
}

// log holds the custody log against the seal and the statements: all but the hashes of the
// stored bytes. It must know the seal; and of an archive that somebody recovered, the bytes count.
func (p *picker) log(ctx context.Context) error {
	v := p.v
	if v.o.Log == nil {
		return nil
	}
	events, err := v.events()
	if err != nil {
		return err
	}
	if v.age != nil {
		if v.head, err = sumOfFirst(v.file, v.age.Head()); err != nil {
			return err
		}
	}
	v.anew = v.encryptedAnew(events)
	chain := logChain{v: v, next: v.rep.Genesis.FirstKey}
	for i := range events {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch e := &events[i]; {
		case e.Event == eventRecovered:
			return errors.New("the custody log tells of bytes that were recovered")
		case e.Event == eventCheckpoint && chain.k == 0 && v.anew == nil:
			if err := p.sameHeader(e); err != nil {
				return err
			}
		case e.Event == eventReencrypted && v.anew == nil && v.age != nil && !v.header:
			return errors.New("the file may have been encrypted anew")
		}
		if err := chain.event(&events[i]); err != nil {
			return err
		}
	}
	if !chain.sealed {
		return errors.New("the custody log does not know this seal")
	}
	v.gaps(events)
	return nil
}

// sameHeader looks whether the stored bytes up to the first checkpoint, if they are few, are
// those that the log saw: in them it says to whom the file is encrypted.
func (p *picker) sameHeader(e *Event) error {
	const few = 2 << 20
	v := p.v
	if v.age == nil || e.Object.Bytes > min(few, v.file.size) || e.Object.Bytes <= v.age.Head() {
		return nil
	}
	sum, err := sumOfFirst(v.file, e.Object.Bytes)
	if err != nil {
		return err
	}
	if v.header = sum == e.Object.SHA256; !v.header {
		return errors.New("the file was encrypted anew")
	}
	return nil
}

// whole is the last step before anything is handed out: who is believed; and no chunk of
// cipher text that was read may be another than was written.
func (p *picker) whole(context.Context) error {
	v := p.v
	if v.age != nil && v.age.FailedAt() >= 0 {
		return errors.New("the encrypted file was changed")
	}
	if v.judge(); v.bad {
		return errors.New("something contradicts")
	}
	return nil
}
