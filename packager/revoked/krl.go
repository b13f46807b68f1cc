package revoked

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"golang.org/x/crypto/ssh"
)

// MaxFile bounds a list, in bytes.
const MaxFile = 16 << 20

// maxIssuers bounds how many authorities a list tells of.
const maxIssuers = 4096

// The parts of a key revocation list (openssh PROTOCOL.krl).
const (
	krlMagic  = "SSHKRL\n\x00"
	krlFormat = 1

	sectionCertificates = 1
	sectionKeys         = 2
	sectionSHA1         = 3
	sectionSignature    = 4
	sectionSHA256       = 5
	sectionExtension    = 255

	certSerials   = 0x20
	certRange     = 0x21
	certBitmap    = 0x22
	certIDs       = 0x23
	certExtension = 0x39
)

var errShort = errors.New("it ends too early")

// Parse reads a key revocation list, or a plain list: one public key a line, "#" begins
// a comment. A signature within a KRL is not looked at, as by OpenSSH: whoever brings the
// list answers for it. What is critical and not known here is refused.
func Parse(b []byte) (*List, error) {
	if len(b) > MaxFile {
		return nil, fmt.Errorf("revocation list of %d bytes: over %d", len(b), MaxFile)
	}
	if !bytes.HasPrefix(b, []byte(krlMagic)) {
		return parsePlain(b)
	}
	l, err := parseKRL(b)
	if err != nil {
		return nil, fmt.Errorf("key revocation list: %w", err)
	}
	return l, nil
}

func parsePlain(b []byte) (*List, error) {
	l := &List{}
	for n, line := range bytes.Split(b, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, options, _, err := ssh.ParseAuthorizedKey(line)
		if err == nil && len(options) > 0 {
			err = errors.New("options before the key")
		}
		if err != nil {
			return nil, fmt.Errorf("list of revoked keys, line %d: %w", n+1, err)
		}
		if c, ok := key.(*ssh.Certificate); ok {
			key = c.Key
		}
		l.addKey(string(key.Marshal()))
	}
	return l, nil
}

// reader takes the fields of an SSH message one after another (RFC 4251 section 5).
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) text() []byte { return r.take(uint64(r.u32())) }

func (r *reader) more() bool { return !r.bad && len(r.b) > 0 }

func parseKRL(b []byte) (*List, error) {
	r := &reader{b: b[len(krlMagic):]}
	if v := r.u32(); r.bad || v != krlFormat {
		return nil, fmt.Errorf("format %d, want %d", v, krlFormat)
	}
	l := &List{Version: r.u64(), Generated: r.u64()}
	r.u64() // flags
	r.text()
	l.Comment = string(r.text())
	signed := false
	for r.more() {
		kind, data := r.u8(), r.text()
		if kind == sectionSignature { // of two strings: the key, which was just read, and
			r.text()
			signed = true
			continue
		}
		if r.bad {
			break
		}
		if signed {
			return nil, errors.New("more after its signature")
		}
		if err := l.section(kind, data); err != nil {
			return nil, err
		}
	}
	if r.bad {
		return nil, errShort
	}
	return l, nil
}

func (l *List) section(kind byte, data []byte) error {
	r := &reader{b: data}
	switch kind {
	case sectionCertificates:
		return l.certificates(r)
	case sectionKeys:
		for r.more() {
			blob := r.text()
			if !r.bad && len(blob) == 0 {
				return errors.New("a key that is empty")
			}
			l.addKey(string(blob))
		}
	case sectionSHA1, sectionSHA256:
		for r.more() {
			if err := l.addSum(kind, r.text()); err != nil && !r.bad {
				return err
			}
		}
	case sectionExtension:
		return extension(r)
	default:
		return fmt.Errorf("section %d: not known", kind)
	}
	if r.bad {
		return errShort
	}
	return nil
}

func (l *List) addSum(kind byte, sum []byte) error {
	switch {
	case kind == sectionSHA1 && len(sum) == sha1.Size:
		if l.sums1 == nil {
			l.sums1 = map[[sha1.Size]byte]bool{}
		}
		l.sums1[[sha1.Size]byte(sum)] = true
	case kind == sectionSHA256 && len(sum) == sha256.Size:
		if l.sums256 == nil {
			l.sums256 = map[[sha256.Size]byte]bool{}
		}
		l.sums256[[sha256.Size]byte(sum)] = true
	default:
		return fmt.Errorf("a fingerprint of %d bytes", len(sum))
	}
	return nil
}

// extension passes over one that is not critical.
func extension(r *reader) error {
	name := r.text()
	critical := r.u8()
	r.text()
	switch {
	case r.bad || len(r.b) > 0:
		return errShort
	case critical != 0:
		return fmt.Errorf("critical extension %.80q: not known", name)
	}
	return nil
}

func (l *List) certificates(r *reader) error {
	ca := string(r.text())
	r.text() // reserved
	if len(l.issuers) >= maxIssuers {
		return fmt.Errorf("more than %d authorities", maxIssuers)
	}
	if ca != "" && !r.bad {
		if _, err := ssh.ParsePublicKey([]byte(ca)); err != nil {
			return fmt.Errorf("key of an authority: %w", err)
		}
	}
	i := l.issuer(ca)
	for r.more() {
		kind := r.u8()
		data := &reader{b: r.text()}
		if r.bad {
			break
		}
		if err := i.section(kind, data); err != nil {
			return err
		}
	}
	if r.bad {
		return errShort
	}
	return nil
}

func (i *issuer) section(kind byte, r *reader) error {
	switch kind {
	case certSerials:
		for r.more() {
			n := r.u64()
			if err := i.add(n, n); err != nil && !r.bad {
				return err
			}
		}
	case certRange:
		low, high := r.u64(), r.u64()
		if err := i.add(low, high); err != nil && !r.bad {
			return err
		}
		r.bad = r.bad || len(r.b) > 0
	case certBitmap:
		low, bits := r.u64(), r.text()
		if r.bad = r.bad || len(r.b) > 0; r.bad {
			break
		}
		return i.addBitmap(low, bits)
	case certIDs:
		for r.more() {
			if id := r.text(); !r.bad {
				i.ids[string(id)] = true
			}
		}
	case certExtension:
		return extension(r)
	default:
		return fmt.Errorf("section %#x of certificates: not known", kind)
	}
	if r.bad {
		return errShort
	}
	return nil
}

// add revokes serial numbers. 0 is none: certificates without a number have it.
func (i *issuer) add(low, high uint64) error {
	if low == 0 || low > high {
		return fmt.Errorf("serial numbers from %d to %d", low, high)
	}
	if n := len(i.serials); n > 0 && i.serials[n-1].high != math.MaxUint64 && i.serials[n-1].high+1 == low {
		i.serials[n-1].high = high
		return nil
	}
	i.serials = append(i.serials, span{low, high})
	return nil
}

// addBitmap takes a bitmap as an mpint (RFC 4251 section 5): not negative, without zeros
// before it that are not needed.
func (i *issuer) addBitmap(low uint64, bits []byte) error {
	switch {
	case len(bits) > 0 && bits[0]&0x80 != 0:
		return errors.New("a bitmap that is negative")
	case len(bits) > 0 && bits[0] == 0 && (len(bits) == 1 || bits[1]&0x80 == 0):
		return errors.New("a bitmap with a zero too many")
	case uint64(len(bits))*8 > math.MaxUint64-low:
		return errors.New("a bitmap beyond the last serial number")
	}
	if len(bits) > 0 {
		i.bitmaps = append(i.bitmaps, bitmap{low, bytes.Clone(bits)})
	}
	return nil
}
