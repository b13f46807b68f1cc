package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrOther says that a file holds a private key of another kind or form than an
// OpenSSH Ed25519 key without a passphrase.
var ErrOther = errors.New("not an OpenSSH Ed25519 key without a passphrase")

// The form of a key file: openssh PROTOCOL.key.
const (
	textBegin = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	textEnd   = "-----END OPENSSH PRIVATE KEY-----\n"
	magic     = "openssh-key-v1\x00"
	kind      = "ssh-ed25519"
	textWidth = 70
)

// parse reads the text of a key file into seed and public. Within Deep; scratch
// has as many bytes as text, and what it held is lost.
func parse(seed, public, text, scratch []byte) error {
	// At most 32 bytes each: longer ones would be allocated.
	_, body, ok := bytes.Cut(text, []byte("BEGIN OPENSSH PRIVATE KEY-----"))
	body, _, ok2 := bytes.Cut(body, []byte("-----END OPENSSH PRIVATE KEY"))
	if !ok || !ok2 {
		return ErrOther
	}
	n, err := base64.StdEncoding.Decode(scratch, bytes.TrimSpace(body))
	if err != nil {
		return errors.New("not base64") // the library's error holds a byte of it
	}
	r := fields{b: scratch[:n]}
	if !r.is(magic) {
		return ErrOther
	}
	cipher, kdf, options := r.next(), r.next(), r.next()
	if string(cipher) != "none" || string(kdf) != "none" || len(options) > 0 {
		return fmt.Errorf("%w: it has a passphrase", ErrOther)
	}
	if r.number() != 1 {
		return ErrOther
	}
	outer := fields{b: r.next()}
	inner := fields{b: r.next()}
	a, b := inner.number(), inner.number()
	if string(outer.next()) != kind || string(inner.next()) != kind {
		return ErrOther
	}
	pub, again, private := outer.next(), inner.next(), inner.next()
	inner.next() // the comment
	if r.bad || outer.bad || inner.bad || a != b || len(private) != seedSize+publicSize || len(pub) != publicSize ||
		!bytes.Equal(pub, again) || !bytes.Equal(pub, private[seedSize:]) {
		return errors.New("damaged")
	}
	copy(seed, private[:seedSize])
	derive(public, seed)
	if !bytes.Equal(public, pub) {
		return errors.New("damaged: the public key is another's")
	}
	return nil
}

// fields takes the fields of an SSH message one after another (RFC 4251 section 5).
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) take(n int) []byte {
	if f.bad || n < 0 || n > len(f.b) {
		f.bad = true
		return nil
	}
	out := f.b[:n]
	f.b = f.b[n:]
	return out
}

func (f *fields) is(text string) bool { return string(f.take(len(text))) == text }

func (f *fields) number() uint32 {
	if b := f.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (f *fields) next() []byte { return f.take(int(f.number())) }

// format writes the text of a key file into text, and gives its length; 0 if there
// is no room. Within Deep; scratch has as many bytes.
func format(text, scratch, seed, public []byte, comment string) int {
	need := 300 + len(comment)
	if need > len(scratch) || len(textBegin)+len(textEnd)+need*2 > len(text) {
		return 0
	}
	b := append(scratch[:0], magic...)
	for _, s := range []string{"none", "none", ""} {
		b = appendString(b, s)
	}
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, uint32(4+len(kind)+4+publicSize))
	b = append(binary.BigEndian.AppendUint32(appendString(b, kind), publicSize), public...)
	lengthAt := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	// Two equal numbers tell a wrong passphrase from a right one; there is none.
	b = append(append(b, public[:4]...), public[:4]...)
	b = append(binary.BigEndian.AppendUint32(appendString(b, kind), publicSize), public...)
	b = append(append(binary.BigEndian.AppendUint32(b, seedSize+publicSize), seed[:seedSize]...), public...)
	b = appendString(b, comment)
	for i := byte(1); (len(b)-lengthAt-4)%8 != 0; i++ {
		b = append(b, i)
	}
	binary.BigEndian.PutUint32(b[lengthAt:], uint32(len(b)-lengthAt-4))
	return armor(text, b)
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// armor writes b as base64 in lines of 70.
func armor(text, b []byte) int {
	n := copy(text, textBegin)
	var four [4]byte
	for at := 0; len(b) > 0; {
		k := min(3, len(b))
		base64.StdEncoding.Encode(four[:], b[:k])
		b = b[k:]
		for _, c := range four {
			if at == textWidth {
				text[n], at = '\n', 0
				n++
			}
			text[n] = c
			n, at = n+1, at+1
		}
	}
	text[n] = '\n'
	n++
	return n + copy(text[n:], textEnd)
}
