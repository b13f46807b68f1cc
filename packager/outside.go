package packager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"hozen/packager/cipher"
	"hozen/packager/signed"
	"hozen/packager/text"
)

// An archive that is encrypted is verified twice: what is stored, against the custody
// log, which needs no key; and what is in it, with an identity.

// A deviceKey is who signs for a collection, and since when.
type deviceKey struct {
	name, key string
	since     time.Time
}

// open finds out whether the file is encrypted, and opens it. It gives false where there
// is nothing to read inside; what is known then is in the report.
func (v *verification) open() (bool, error) {
	begin := make([]byte, 32)
	n, err := v.file.ReadAt(begin, 0)
	if err != nil && err != io.EOF {
		return false, err
	}
	if !cipher.Is(begin[:min(int64(n), v.file.size)]) {
		return true, nil
	}
	v.rep.Encrypted = true
	if len(v.o.Identities) == 0 {
		return false, nil
	}
	v.age, err = cipher.Open(v.file, v.file.size, v.o.Identities)
	switch {
	case errors.Is(err, cipher.ErrIdentity), errors.Is(err, cipher.ErrHeader):
		v.stop = err
		return false, nil
	case err != nil:
		return false, err
	}
	v.r, v.size = v.age, v.age.Size()
	return true, nil
}

// outside verifies what is stored of a file that was not opened.
func (v *verification) outside(ctx context.Context) error {
	chain := &outerChain{logChain: logChain{v: v}}
	if err := v.outerLog(ctx, chain); err != nil {
		return err
	}
	if len(v.o.Identities) > 0 { // they are the wrong ones: what they were given for failed
		v.rep.Checkpoint, v.rep.AuthenticBytes, v.device = 0, 0, deviceKey{}
	}
	v.rep.Unauthenticated = v.file.size - v.rep.AuthenticBytes
	switch {
	case chain.k == 0 || v.bad:
	case len(v.o.Identities) > 0: // the log knows these bytes; it was not asked about them
		v.rep.note("without an identity, the file can be held against its custody log")
	case v.rep.Unauthenticated > 0:
		v.rep.note("%d bytes behind what the custody log knows are not authenticated", v.rep.Unauthenticated)
	}
	v.judge()
	switch {
	case v.rep.Checkpoint == 0:
	case chain.sealed:
		v.rep.Axes.Completeness = "sealed"
		if chain.status != "complete" {
			v.rep.Axes.Completeness = "sealed, " + chain.status
		}
	}
	return nil
}

// outerLog holds the custody log against the stored bytes.
func (v *verification) outerLog(ctx context.Context, chain *outerChain) error {
	v.copies()
	if v.o.Log == nil && v.stop != nil {
		return nil
	}
	if v.o.Log == nil {
		v.stop = errors.New("it is encrypted, and neither an identity nor its custody log is at hand")
		return nil
	}
	events, err := v.events()
	switch {
	case err != nil:
		v.contradicted("%v", err)
		return nil
	case len(events) == 0 || events[0].Event != eventStarted:
		v.stop = errors.New("it is encrypted, there is no identity, and the custody log does not tell of its beginning")
		return nil
	}
	if err := v.hashRest(ctx); err != nil {
		return err
	}
	v.anew = v.encryptedAnew(events)
	for i := range events {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch err := chain.event(&events[i]); {
		case evidenceProblem(err):
			v.contradicted("custody log, event %d (%s): %v", i+1, text.Word(events[i].Event), err)
			return nil
		case err != nil:
			return err
		}
		chain.remember(&events[i])
	}
	v.gaps(events)
	return v.behindSeal(chain)
}

// behindSeal: only zeros may follow what was sealed.
func (v *verification) behindSeal(chain *outerChain) error {
	if !chain.sealed {
		return nil
	}
	buf := make([]byte, 64<<10)
	for off := v.rep.AuthenticBytes; off < v.file.size; {
		n, err := v.file.ReadAt(buf, off)
		if n == 0 && err != nil {
			return err
		}
		if !empty(buf[:n]) {
			v.bad = true
			v.rep.finding("other bytes follow the sealed archive at offset %d", v.rep.AuthenticBytes)
			return nil
		}
		off += int64(n)
	}
	return nil
}

// An outerChain follows the events of an archive whose inside is not seen.
type outerChain struct {
	logChain
	status string // of the seal
}

func (c *outerChain) event(e *Event) error {
	first := c.seen == 0
	switch e.Event {
	case eventStarted:
		c.seen++
		if !first {
			return contradiction("the log has %q twice", eventStarted)
		}
		return c.started(e)
	case eventCheckpoint:
		c.seen++
		return c.checkpoint(e)
	case eventSealed:
		c.seen++
		return c.seal(e)
	}
	return c.logChain.event(e)
}

func (c *outerChain) started(e *Event) error {
	key, err := signed.ParsePublic(e.Key)
	if err != nil {
		return contradiction("%v", err)
	}
	name, device := "", false
	if len(e.Actor) > len("device:") {
		name, device = e.Actor[len("device:"):], e.Actor[:len("device:")] == "device:"
	}
	f, ok := ParseFileName(e.Object.Name)
	if !device || !ok || !f.Encrypted && c.v.anew == nil || f.ID != e.Collection {
		return contradiction("it is the log of %q, by %q, not of a collection that is encrypted", e.Object.Name, e.Actor)
	}
	r := c.v.rep
	r.Collection, r.Device, r.Fingerprint = e.Collection, name, signed.Fingerprint(key)
	c.v.device, c.next, c.v.c.genesis = deviceKey{name, e.Key, eventTime(e)}, e.Fact("first_key"), e.Fact("genesis")
	c.v.c.began = e.Time.Wall
	return nil
}

func (c *outerChain) checkpoint(e *Event) error {
	k := c.k + 1
	if e.Collection != c.v.rep.Collection || e.Fact("checkpoint") != fmt.Sprint(k) || e.Key != c.next || c.sealed {
		return contradiction("checkpoint %q does not follow checkpoint %d", e.Fact("checkpoint"), c.k)
	}
	if err := c.stored(e); err != nil {
		return err
	}
	c.k, c.next = k, e.Fact("next_key")
	c.v.rep.Checkpoint, c.v.rep.AuthenticBytes, c.v.rep.Head = k, e.Object.Bytes, e.Fact("statement")
	c.v.c.statement[k], c.v.c.walls[k] = e.Fact("statement"), e.Time.Wall
	return nil
}

func (c *outerChain) seal(e *Event) error {
	if e.Collection != c.v.rep.Collection || c.sealed || !sameKey(e.Key, c.v.device.key) || e.Fact("checkpoints") != fmt.Sprint(c.k) {
		return contradiction("sealed twice, not by the device key, or with other checkpoints than %d", c.k)
	}
	if err := c.stored(e); err != nil {
		return err
	}
	file := e.Object
	if c.v.anew != nil {
		file = c.v.anew.Object
	}
	c.sealed, c.status = true, e.Fact("status")
	c.v.rep.AuthenticBytes, c.v.rep.Head = file.Bytes, e.Fact("seal")
	c.v.whole, c.v.sealed, c.v.c.ended = Prefix{file.Bytes, file.SHA256}, true, e.Time.Wall
	return nil
}

// stored holds the object of an event against the stored bytes.
func (c *outerChain) stored(e *Event) error {
	if c.v.anew != nil {
		return nil
	}
	if e.Object.Bytes > c.v.file.size {
		return contradiction("TRUNCATED: the log saw %d bytes, the file has %d", e.Object.Bytes, c.v.file.size)
	}
	if sum, _ := c.v.sumAt(e.Object.Bytes); sum != e.Object.SHA256 || e.Object.Bytes < c.v.rep.AuthenticBytes {
		return contradiction("the first %d bytes are not those that the log saw", e.Object.Bytes)
	}
	return nil
}

// hashRest ends the hashing of stored bytes (stored.go) where reading them did not.
func (v *verification) hashRest(ctx context.Context) error {
	progress := v.o.Progress
	if v.age != nil {
		progress = nil // it was told of plain bytes
	}
	return v.file.rest(ctx, progress)
}

// deviceKey is who signs for the collection: as genesis says, or else the log.
func (v *verification) deviceKey() deviceKey {
	if g := v.rep.Genesis; g != nil {
		return deviceKey{g.Device, g.DeviceKey, time.Unix(g.Epoch, 0)}
	}
	return v.device
}

// decrypted says that the file was encrypted once: its log tells of other bytes.
func (v *verification) decrypted() bool {
	return !v.rep.Encrypted && v.rep.Genesis != nil && len(v.rep.Genesis.Recipients) > 0
}

// sumAt gives the hash of the first n stored bytes, where it is known.
func (v *verification) sumAt(n int64) (sum string, known bool) {
	if v.rep.Encrypted || v.partly {
		return v.file.sumOf(n)
	}
	for _, p := range v.c.sums {
		if p.Bytes == n {
			return p.SHA256, true
		}
	}
	return v.whole.SHA256, v.whole.Bytes == n
}

// checkpointAt tells of the stored bytes as they were behind checkpoint k.
func (v *verification) checkpointAt(k int) Prefix {
	have := v.c.sums[k]
	if v.age == nil {
		return have
	}
	return v.prefix(cipher.Stored(v.age.Head(), padEnd(have.Bytes)))
}

// wholeFile tells of the stored bytes of a sealed archive; empty if its end is cut.
func (v *verification) wholeFile() Prefix {
	switch {
	case v.age == nil:
		return v.whole
	case !v.age.Whole() || v.whole.Bytes == 0:
		return Prefix{}
	}
	return v.prefix(v.age.End())
}

// prefix is the first n stored bytes; its hash is empty where it is not known.
func (v *verification) prefix(n int64) Prefix {
	sum, _ := v.file.sumOf(n)
	return Prefix{n, sum}
}

// sameBytes says whether an event tells of these stored bytes. Of a file that was
// deciphered that cannot be known; of one that is not read whole, their number only.
func (v *verification) sameBytes(e *Event, have Prefix) bool {
	return v.otherFile() || e.Object.Bytes == have.Bytes && (e.Object.SHA256 == have.SHA256 || v.partly && have.SHA256 == "")
}

// cutTag says whether what follows the archive is a part of what ends an encrypted file.
func (v *verification) cutTag(trailer int64, complete bool) bool {
	rest := v.size - v.rep.AuthenticBytes - trailer
	return v.age != nil && !v.age.Whole() && complete && rest < 16
}

// chunks looks at what the cipher's own authentication says. The archive's signatures say
// what its bytes are worth; but a chunk that was changed, or moved, is no accident.
func (v *verification) chunks() error {
	if v.age == nil {
		return nil
	}
	at := v.age.FailedAt()
	switch {
	case at >= 0 && at < v.rep.AuthenticBytes:
		v.bad = true
		v.rep.finding("the encrypted file was changed: the chunk at plain byte %d fails its own authentication", at)
		return nil
	case v.sealed || v.bad:
		return nil
	case v.age.Whole():
		v.rep.note("the encryption was ended though the archive is not sealed: it was not the agent that ended it")
	}
	i, from, moved, err := v.age.Moved()
	if err != nil {
		return err
	}
	if moved {
		v.bad = true
		v.rep.finding("the encrypted file was changed: chunk %d of it stands in place of chunk %d", from, i)
	}
	return nil
}

// inFile makes the report speak of the file that was given, not of what is in it.
func (v *verification) inFile() {
	if v.age == nil {
		return
	}
	r := v.rep
	r.Plain = v.size
	switch last := v.c.sums[r.Checkpoint]; {
	case r.Checkpoint == 0:
		r.AuthenticBytes = 0
	case v.sealed && v.age.Whole():
		r.AuthenticBytes = v.age.End()
	case v.sealed: // its last chunk is cut: what is there of it, without zeros that may follow
		r.AuthenticBytes = min(v.file.size, cipher.Stored(v.age.Head(), r.AuthenticBytes)+r.AuthenticBytes%cipher.ChunkSize)
	default:
		r.AuthenticBytes = min(v.file.size, cipher.Stored(v.age.Head(), padEnd(last.Bytes)))
	}
	r.Unauthenticated = v.file.size - r.AuthenticBytes
}

// confidentiality says who can read it.
func (v *verification) confidentiality() string {
	switch {
	case v.rep.Encrypted && v.rep.Genesis != nil && v.o.Log == nil:
		// Whoever can open it can encrypt it anew, to anybody; only the log knows the stored bytes.
		return fmt.Sprintf("encrypted, opened; genesis names %d recipients, and without the custody log it is not proved that these bytes are for them", len(v.rep.Genesis.Recipients))
	case v.rep.Encrypted && v.rep.Genesis != nil && v.anew != nil:
		return fmt.Sprintf("encrypted, opened; encrypted anew by %s (event %d): to whom, only its header says", text.Name(v.anew.Actor), v.anew.Seq)
	case v.rep.Encrypted && v.anew != nil:
		return fmt.Sprintf("encrypted, contents not seen; encrypted anew by %s (event %d)", text.Name(v.anew.Actor), v.anew.Seq)
	case v.rep.Encrypted && v.rep.Genesis != nil && v.partly && !v.header: // likewise
		return fmt.Sprintf("encrypted, opened; genesis names %d recipients; that these bytes are for them was not looked at, since they were not read whole", len(v.rep.Genesis.Recipients))
	case v.rep.Encrypted && v.rep.Genesis != nil:
		return fmt.Sprintf("encrypted to %d recipients, opened", len(v.rep.Genesis.Recipients))
	case v.rep.Encrypted:
		return "encrypted, contents not seen"
	case v.decrypted():
		return fmt.Sprintf("not encrypted any more; it was, to %d recipients", len(v.rep.Genesis.Recipients))
	}
	return "not encrypted"
}
