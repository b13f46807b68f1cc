package flow

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"slices"

	"hozen/packager/evidence/sorting"
)

// Versions of QUIC whose first packets can be read by anybody.
const (
	quicV1 = 1          // RFC 9000
	quicV2 = 0x6b3343cf // RFC 9369
)

// A quicHello gathers the pieces of a ClientHello, which may lie in several packets.
type quicHello struct {
	pieces []piece
	bytes  int
}

// Bounds of QUIC.
const (
	maxQUICHello   = 16 << 10
	maxQUICPackets = 8 // of one flow that are looked at
)

// quic reads the ClientHello out of the Initial packets of a client: their keys are made
// of what stands in the packet (RFC 9001 section 5.2), so that anybody can.
func (t *Tables) quic(c *conn, dir int, b []byte) {
	if dir != 0 || c.sum.packets[0] > maxQUICPackets {
		return
	}
	frames := quicInitial(b)
	if frames == nil {
		return
	}
	if c.hello == nil {
		c.hello = &quicHello{}
	}
	t.appBytes -= c.hello.bytes
	c.hello.frames(frames)
	whole := c.hello.whole()
	if whole == nil && t.appBytes+c.hello.bytes <= maxHeldInAll {
		t.appBytes += c.hello.bytes
		return
	}
	c.hello = nil
	if whole == nil {
		t.cutReads++
		return
	}
	c.quicDone = true
	f := newTLS(0, false)
	f.at, f.row.QUIC = t.now, true
	f.message(0, 1, whole)
	f.done = true
	f.row.Ends = t.ends(c, f.at)
	t.tls.add(f.at, &f.row)
	t.nameOf(c.sum.resp, hostName(string(f.row.ServerName)))
}

// quicInitial takes the protection off a client's Initial packet; nil if it is none.
func quicInitial(b []byte) []byte {
	r := cursor{b: b}
	first := byte(r.u8())
	version := r.take(4)
	if version == nil || first&0xc0 != 0xc0 {
		return nil
	}
	salt, prefix, kind := "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a", "quic ", byte(0)
	switch be32(version) {
	case quicV1:
	case quicV2:
		salt, prefix, kind = "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9", "quicv2 ", 1
	default:
		return nil
	}
	if first>>4&3 != kind {
		return nil
	}
	destination := r.take(r.u8())
	r.take(r.u8())
	r.take(r.varint()) // token
	length := r.varint()
	start := len(b) - len(r.b)
	protected := r.take(length)
	if r.bad || len(protected) < 4+16+16 || len(destination) > 20 {
		return nil
	}
	return quicOpen(b[:start], protected, destination, salt, prefix)
}

// varint reads a number of QUIC (RFC 9000 section 16).
func (r *cursor) varint() int {
	first := r.u8()
	n := first & 0x3f
	for range 1<<(first>>6) - 1 {
		n = n<<8 | r.u8()
	}
	return n
}

// quicOpen decrypts: head is all before the packet number (RFC 9001 section 5).
func quicOpen(head, protected, destination []byte, salt, prefix string) []byte {
	initial, err := hkdf.Extract(sha256.New, destination, []byte(salt))
	if err != nil {
		return nil
	}
	expand := func(secret []byte, label string, n int) []byte {
		label = "tls13 " + label
		info := append([]byte{0, byte(n), byte(len(label))}, label...)
		out, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), n)
		if err != nil {
			return make([]byte, n)
		}
		return out
	}
	secret := expand(initial, "client in", 32)
	mask, err := aes.NewCipher(expand(secret, prefix+"hp", 16))
	if err != nil {
		return nil
	}
	var stream [16]byte
	mask.Encrypt(stream[:], protected[4:20])
	clear := slices.Clone(head)
	clear[0] ^= stream[0] & 0x0f
	size := int(clear[0]&3) + 1
	nonce := expand(secret, prefix+"iv", 12)
	for i := range size {
		v := protected[i] ^ stream[1+i]
		clear = append(clear, v)
		nonce[12-size+i] ^= v
	}
	block, err := aes.NewCipher(expand(secret, prefix+"key", 16))
	if err != nil {
		return nil
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil
	}
	out, err := gcm.Open(nil, nonce, protected[size:], clear)
	if err != nil {
		return nil
	}
	return out
}

// frames takes the CRYPTO frames of a packet (RFC 9000 section 19); in an Initial packet
// there are few others.
func (h *quicHello) frames(b []byte) {
	r := cursor{b: b}
	for len(r.b) > 0 && !r.bad {
		switch r.varint() {
		case 0, 1: // padding, ping
		case 2, 3: // acknowledgments
			return
		case 6:
			offset := r.varint()
			data := r.take(r.varint())
			if r.bad || offset > maxQUICHello || h.bytes+len(data) > maxQUICHello || len(h.pieces) > 256 {
				return
			}
			h.bytes += len(data)
			h.pieces = append(h.pieces, piece{offset, slices.Clone(data)})
		default:
			return
		}
	}
}

// whole gives the ClientHello without its header, once all of it is there.
func (h *quicHello) whole() []byte {
	sorting.By(h.pieces, func(a, b piece) int { return a.offset - b.offset })
	var out []byte
	for _, p := range h.pieces {
		if p.offset > len(out) {
			return nil
		}
		if end := p.offset + len(p.data); end > len(out) {
			out = append(out, p.data[len(out)-p.offset:]...)
		}
	}
	if len(out) < 4 || out[0] != 1 || len(out) < 4+int(be32(out)&0xffffff) {
		return nil
	}
	return out[4 : 4+int(be32(out)&0xffffff)]
}
