package packager

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"filippo.io/age"

	"hozen/packager/cipher"
	"hozen/packager/signed"
	"hozen/packager/text"
	"hozen/packager/timestamp"
)

// VerifyOptions says what an auditor has beside the archive.
type VerifyOptions struct {
	// Log is the custody log; nil if there is none at hand. One that is there but
	// empty is not nil, and a contradiction.
	Log []byte
	// Copies are other copies of the log, kept in other places. Where one of them is
	// longer, it is taken for the log; where one differs, that is a contradiction.
	Copies []LogCopy
	// Trust is whom the auditor believes; nil is nobody.
	Trust *Trust
	// Fingerprints ("SHA256:…") are device keys believed for this archive, as they
	// stand on somebody's paper.
	Fingerprints []string
	// Identities open an archive that is encrypted (cipher.Identities); without, only its
	// outside is verified, by the custody log.
	Identities []age.Identity
	// OnlyFrom: where payload is asked for (Cat, Extract; with records, Take) and the archive is sealed and has at
	// least so many bytes, only what is needed to prove it is read; the report says so. 0: never.
	OnlyFrom int64
	// Head is the head hash (hex) as it stands on somebody's paper; "" if none.
	Head string
	// TSARoots are the authorities whose time stamps the auditor believes; nil is none.
	TSARoots *timestamp.Roots
	// Tokens are time stamps that are not in the log: answers of an authority, DER.
	Tokens [][]byte
	// Progress is told bytes done and in all, about once a MiB; may be nil.
	Progress func(done, total int64)
}

// Verify reads an archive once (items with SHA-1 and MD5 twice) and gives one
// verdict. It writes nothing. The error is not nil only if reading itself failed or ctx ended.
func Verify(ctx context.Context, r io.ReaderAt, size int64, o VerifyOptions) (*Report, error) {
	return verify(ctx, r, size, o, nil)
}

func verify(ctx context.Context, r io.ReaderAt, size int64, o VerifyOptions, v visitor) (*Report, error) {
	return newVerification(r, size, o, v).all(ctx)
}

func newVerification(r io.ReaderAt, size int64, o VerifyOptions, v visitor) *verification {
	rep, file := &Report{Bytes: size, Findings: []string{}, Notes: []string{}}, &storedFile{file: r, size: size}
	return &verification{rep: rep, o: o, r: file, size: size, file: file, c: newChecker(rep, v)}
}

// all reads the whole file.
func (v *verification) all(ctx context.Context) (*Report, error) {
	opened, err := v.open()
	if err != nil {
		return nil, err
	}
	if err := v.hashAlong(); err != nil {
		return nil, err
	}
	if !opened {
		return v.rep, v.outside(ctx)
	}
	if err := v.read(ctx); err != nil {
		return nil, err
	}
	if err := v.checkOld(ctx); err != nil {
		return nil, err
	}
	if err := v.tail(); err != nil {
		return nil, err
	}
	if err := v.chunks(); err != nil {
		return nil, err
	}
	if err := v.log(ctx); err != nil {
		return nil, err
	}
	v.judge()
	v.inFile()
	return v.rep, nil
}

type verification struct {
	rep     *Report
	o       VerifyOptions
	r       io.ReaderAt // the archive itself, deciphered if need be
	size    int64
	c       *checker
	file    *storedFile    // as it lies on the medium
	ends    []int64        // numbers of stored bytes of which a caller wants the hash
	age     *cipher.Reader // of a file that is encrypted, and was opened
	anew    *Event         // by which these stored bytes were made of those that were sealed; nil if they are those
	device  deviceKey      // of a file that is encrypted, and was not: as the log says
	sealed  bool
	partly  bool   // not all of it is read: hashes of the stored bytes are not known (item.go)
	header  bool   // partly, and its first stored bytes are those that the log knows
	head    string // partly: hash of header and nonce of a file that is encrypted
	whole   Prefix // of a sealed file with its trailer; empty if the trailer is cut
	hashed  []byte // state of the hash after the seal
	stop    error  // why reading ended before the end
	bad     bool   // something contradicts something signed
	unknown bool   // an event of the log is signed by somebody who is not believed
	forked  bool   // copies of the log differ
	tokens  int    // time stamps that were looked at
	// sealProven is when somebody else has seen the seal itself; zero as proven.
	sealProven time.Time
	proven     time.Time // when somebody else has seen it; zero if nobody who is believed has
}

// read runs the frames through the checker, until the seal, the end, or
// something that this format does not allow.
func (v *verification) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces, err := readPieces(ctx, io.NewSectionReader(v.r, 0, v.size))
	if err != nil {
		return err
	}
	for p := range pieces {
		<-p.ready
		switch err := v.piece(p); {
		case err == nil && v.sealed:
			return nil
		case err == nil:
			p.release()
		case err == io.EOF:
			return nil
		case evidenceProblem(err):
			v.stop = err
			return nil
		default:
			return err
		}
	}
	return context.Cause(ctx)
}

// evidenceProblem says whether an error tells of the archive, not of the disk it
// lies on nor of the caller.
func evidenceProblem(err error) bool {
	for _, e := range []error{errCut, errFrame, errTar, errContradiction} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (v *verification) piece(p *piece) (err error) {
	if p.err != nil {
		return p.err
	}
	if v.o.Progress != nil {
		v.o.Progress(p.off+int64(len(p.bytes)), v.size)
	}
	switch {
	case p.kind == frameMarker && v.c.padFrom == 0:
		return v.c.marker(p)
	case v.c.wantMark:
		return contradiction("no marker after the statement before offset %d", p.off)
	case p.kind == framePad:
		return v.c.pad(p)
	case v.c.padFrom > 0:
		return contradiction("no pad after the marker before offset %d", p.off)
	case p.kind == frameData:
		if v.c.listed != nil && v.c.tar.boundary() {
			return contradiction("a data frame at offset %d between manifest and statement", p.off)
		}
		return v.c.tar.feed(p.plain)
	case p.kind == frameStored:
		v.sealed, err = v.c.stored(p)
		v.whole, v.hashed = p.after, p.hashed
		return err
	}
	return contradiction("a frame at offset %d, where none can be", p.off)
}

// tail looks at what comes after the authentic prefix.
func (v *verification) tail() error {
	v.rep.Unauthenticated = v.size - v.rep.AuthenticBytes
	if v.sealed {
		return v.afterSeal()
	}
	later, err := v.laterStatement()
	if err != nil {
		return err
	}
	if later != "" {
		v.bad = true
		if v.stop != nil {
			v.rep.finding("%v", v.stop)
		}
		v.rep.finding("%q stands after the last authentic byte (%d): what lies between was changed", later, v.rep.AuthenticBytes)
	} else if v.stop != nil {
		v.rep.note("%v", v.stop)
	}
	return nil
}

// A marker or a hint, as text. Before the first checkpoint verified, one of any collection counts.
var (
	markerText = regexp.MustCompile(`hozen-cp [0-9a-f]{16} [0-9]{8}\n|hozen-end [0-9a-f]{16} [0-9]{20}\n`)
	markerLen  = len("hozen-end 0123456789abcdef 01234567890123456789\n")
)

// laterStatement finds the first marker or hint after the authentic prefix: a
// writer put it behind something that does not verify.
func (v *verification) laterStatement() (string, error) {
	pattern := markerText
	if v.rep.Checkpoint > 0 {
		g := v.c.genesis[:16]
		pattern = regexp.MustCompile("hozen-cp " + g + ` [0-9]{8}\n|hozen-end ` + g + ` [0-9]{20}\n`)
	}
	buf, keep := make([]byte, min(v.size, BlockSize)+int64(markerLen)), 0
	for off := v.rep.AuthenticBytes; off < v.size; {
		n, err := v.r.ReadAt(buf[keep:], off)
		if n == 0 && err != nil {
			if err == io.EOF {
				return "", nil
			}
			return "", err
		}
		off += int64(n)
		if m := pattern.Find(buf[:keep+n]); m != nil {
			return string(bytes.TrimSpace(m)), nil
		}
		tail := min(keep+n, markerLen)
		copy(buf, buf[keep+n-tail:keep+n])
		keep = tail
	}
	return "", nil
}

// afterSeal compares what follows the seal with the trailer that the seal names:
// all of it, a beginning of it, or nothing; then zeros only.
func (v *verification) afterSeal() error {
	trailer := v.c.trailer
	same, zeros := 0, true
	buf := make([]byte, 64<<10)
	for off := v.rep.AuthenticBytes; off < v.size && zeros; {
		n, err := v.r.ReadAt(buf, off)
		if n == 0 && err != nil && err != io.EOF {
			return err
		}
		b := buf[:n]
		if at := int(off - v.rep.AuthenticBytes); same == at {
			for len(b) > 0 && same < len(trailer) && b[0] == trailer[same] {
				same, b = same+1, b[1:]
			}
		}
		zeros = len(bytes.TrimLeft(b, "\x00")) == 0
		off += int64(n)
	}
	switch {
	case !zeros && v.cutTag(int64(len(trailer)), same == len(trailer)):
		v.rep.note("the encrypted file is cut within its last %d bytes, which are behind the archive", 16)
	case !zeros:
		v.bad = true
		v.rep.finding("what follows the seal at offset %d is not the trailer that the seal names", v.rep.AuthenticBytes)
		return nil
	case same < len(trailer):
		v.rep.note("the seek table is cut off: %d of %d bytes of the trailer are there; standard tools do not need it", same, len(trailer))
		v.whole = Prefix{}
	default:
		if err := v.addTrailer(trailer); err != nil {
			return err
		}
	}
	v.rep.AuthenticBytes += int64(same)
	v.rep.Unauthenticated = v.size - v.rep.AuthenticBytes
	if v.rep.Unauthenticated > 0 {
		v.rep.note("%d zero bytes follow the archive", v.rep.Unauthenticated)
	}
	return nil
}

// addTrailer goes on with the hash of the whole file.
func (v *verification) addTrailer(trailer []byte) error {
	h := sha256.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(v.hashed); err != nil {
		return err
	}
	h.Write(trailer)
	v.whole = Prefix{v.whole.Bytes + int64(len(trailer)), hex.EncodeToString(h.Sum(nil))}
	return nil
}

// judge gives the verdict.
func (v *verification) judge() {
	r := v.rep
	v.judgeTime()
	trusted := v.signer()
	v.jobSigners()
	v.coSigners()
	if v.o.Head != "" && r.Head != "" {
		v.anchorHead()
	}
	switch {
	case v.bad:
		r.Verdict = Invalid
	case r.Checkpoint == 0:
		r.Verdict = NotEvidence
		if v.stop != nil {
			r.finding("nothing is authenticated: %v", v.stop)
		} else {
			r.finding("nothing is authenticated: no checkpoint")
		}
	case !trusted, v.unknown:
		r.Verdict = UntrustedSigner
	case v.device.key != "":
		r.Verdict = ValidOuter
	case !v.sealed:
		r.Verdict = ValidPartial
	default:
		r.Verdict = Valid
	}
	r.Exit, r.Sealed = r.Verdict.ExitCode(), v.sealed
	v.axes()
}

func (v *verification) anchorHead() {
	if v.o.Head == v.rep.Head {
		v.rep.Axes.Anchors = append(v.rep.Axes.Anchors, "head hash given by hand")
		return
	}
	v.bad = true
	v.rep.finding("the head hash is %s, not %s as given", v.rep.Head, text.Name(v.o.Head))
}

// signer decides whether the device key is believed.
func (v *verification) signer() bool {
	r := v.rep
	r.Axes.Signer = "none"
	device := v.deviceKey()
	if device.key == "" || r.Checkpoint == 0 {
		return false
	}
	if err := v.o.Trust.Revoked(device.key); err != nil {
		r.Axes.Signer = "revoked"
		r.finding("signer: %s: %v", text.Name("device:"+r.Device), err)
		return false
	}
	if slices.Contains(v.o.Fingerprints, r.Fingerprint) {
		r.Axes.Signer = "trusted by fingerprint"
		r.Axes.Anchors = append(r.Axes.Anchors, "key fingerprint given by hand")
		return true
	}
	if len(v.o.Fingerprints) > 0 {
		r.finding("signer: the fingerprint given is not that of the key that signed: %s", r.Fingerprint)
	}
	uses := []string{signed.Genesis}
	if v.sealed {
		uses = append(uses, signed.Seal)
	}
	for _, ns := range uses {
		at := v.keyTime()
		if ns == signed.Seal {
			at = v.sealTime()
		}
		if err := v.o.Trust.Check("device:"+device.name, device.key, ns, at); err != nil {
			r.Axes.Signer = "untrusted"
			r.finding("signer: %v%s (%s)", err, v.asOf(at), r.Fingerprint)
			return false
		}
	}
	r.Axes.Signer = "trusted"
	return true
}

func (v *verification) axes() {
	a := &v.rep.Axes
	a.Integrity, a.Completeness = "verified", "none"
	switch {
	case v.bad:
		a.Integrity = "contradicted"
	case v.rep.Checkpoint == 0:
		a.Integrity = "none"
	case v.anew != nil && v.rep.Genesis == nil:
		a.Integrity = "of the stored bytes only, contents not seen"
	}
	switch {
	case v.rep.Seal != nil && v.rep.Seal.Status != "complete":
		a.Completeness = "sealed, " + v.rep.Seal.Status
	case v.rep.Seal != nil:
		a.Completeness = "sealed"
	case v.rep.Checkpoint > 0:
		a.Completeness = fmt.Sprintf("interrupted at checkpoint %d, %d bytes after it not authenticated", v.rep.Checkpoint, v.rep.Unauthenticated)
	}
	a.Confidentiality = v.confidentiality()
	if a.Custody == "" {
		a.Custody = "no log"
	}
	if a.Anchors == nil {
		a.Anchors = []string{}
	}
}
