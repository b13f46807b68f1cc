// Package secrettest searches the memory of a test for private keys: it makes the
// random bytes that keys are made of, and remembers them, and all that is computed
// from them, in a form in which it does not find itself.
package secrettest

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"filippo.io/edwards25519"

	"hozen/packager/secret"
)

// A Hoard remembers secrets, masked. It is an io.Reader of random bytes: each 32
// bytes that are read from it are taken for the seed of an Ed25519 key.
type Hoard struct {
	mu    sync.Mutex
	mask  uint64
	seeds int
	what  map[uint64]string // masked fragments of 8 bytes
	bloom [1 << 16]bool
}

// NewHoard makes an empty one.
func NewHoard() *Hoard {
	h := &Hoard{what: map[uint64]string{}}
	var b [8]byte
	rand.Read(b[:])
	h.mask = binary.LittleEndian.Uint64(b[:])
	return h
}

// Read implements io.Reader.
func (h *Hoard) Read(b []byte) (int, error) {
	rand.Read(b)
	h.Add(b)
	return len(b), nil
}

// Add remembers a seed of 32 bytes.
func (h *Hoard) Add(seed []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seeds++
	fragments := make([]uint64, 0, 64)
	secret.Deep(func() { fragments = h.fragments(fragments, seed) })
	for i, f := range fragments {
		h.what[f] = fmt.Sprintf("%s of key %d", kinds()[i/4], h.seeds)
		h.bloom[slot(f)] = true
	}
}

// Seeds is how many keys were made.
func (h *Hoard) Seeds() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seeds
}

// kinds are what is searched for, each 32 bytes in four fragments.
func kinds() []string {
	return []string{"seed", "seed in words", "hashed scalar", "hashed scalar in words", "prefix", "prefix in words",
		"clamped scalar", "reduced scalar", "scalar in Montgomery form", "seed in base64", "seed in base64", "seed in base64"}
}

// fragments computes all that signing computes of a seed (RFC 8032 section 5.1.5),
// also in the order in which SHA-512 and the arithmetic keep it.
//
//go:noinline
func (h *Hoard) fragments(out []uint64, seed []byte) []uint64 {
	expanded := sha512.Sum512(seed)
	out = h.add(out, seed, false)
	out = h.add(out, seed, true)
	out = h.add(out, expanded[:32], false)
	out = h.add(out, expanded[:32], true)
	out = h.add(out, expanded[32:], false)
	out = h.add(out, expanded[32:], true)
	var s edwards25519.Scalar
	s.SetBytesWithClamping(expanded[:32])
	expanded[0] &= 248
	expanded[31] = expanded[31]&63 | 64
	out = h.add(out, expanded[:32], false)
	out = h.add(out, s.Bytes(), false)
	out = h.add(out, unsafe.Slice((*byte)(unsafe.Pointer(&s)), 32), false)
	for i := range 3 { // wherever in the text of a key file the seed begins
		var text [32]byte
		base64.StdEncoding.Encode(text[:], seed[i:i+24])
		out = h.add(out, text[:], false)
	}
	return out
}

func (h *Hoard) add(out []uint64, b []byte, words bool) []uint64 {
	for ; len(b) >= 8; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		if words {
			v = binary.BigEndian.Uint64(b)
		}
		out = append(out, v^h.mask)
	}
	return out
}

func slot(v uint64) uint16 { return uint16(v * 0x9e3779b97f4a7c15 >> 48) }

// find says which secrets a piece of memory holds.
func (h *Hoard) find(b []byte, found map[string]int) {
	for ; len(b) >= 8; b = b[1:] {
		if v := binary.LittleEndian.Uint64(b) ^ h.mask; h.bloom[slot(v)] {
			if name, ok := h.what[v]; ok {
				found[name]++
			}
		}
	}
}

// SearchIn reads an image of memory to its end, and gives the secrets that it found
// and how many bytes it searched.
func (h *Hoard) SearchIn(r io.Reader) (found []string, searched int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all, buf, keep := map[string]int{}, make([]byte, 1<<20), 0
	for err == nil {
		var n int
		n, err = io.ReadFull(r, buf[keep:])
		searched += int64(n)
		h.find(buf[:keep+n], all)
		keep = copy(buf, buf[max(0, keep+n-7):keep+n])
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return names(all), searched, err
}

// names lists what was found, in order.
func names(found map[string]int) (out []string) {
	for name, n := range found {
		out = append(out, fmt.Sprintf("%s (%d times 8 bytes)", name, n))
	}
	slices.Sort(out)
	runtime.KeepAlive(found)
	return out
}
