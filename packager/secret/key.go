package secret

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// ErrErased says that a key is not in memory.
var ErrErased = errors.New("the private key is not in memory")

// A Key is an Ed25519 private key that can be taken out of memory and read again.
// It is a crypto.Signer. Its methods may be called concurrently.
type Key struct {
	mu     sync.Mutex
	seed   *pages // nil while it is not in memory
	public ed25519.PublicKey
}

// New makes a key of 32 bytes of random; nil is the random source of the system.
func New(random io.Reader) (*Key, error) {
	if random == nil {
		random = rand.Reader
	}
	seed, err := newPages(seedSize)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(random, seed.b[:seedSize]); err != nil {
		seed.free()
		return nil, err
	}
	return keyOf(seed), nil
}

// keyOf makes a key of pages that begin with its seed.
func keyOf(seed *pages) *Key {
	k := &Key{seed: seed, public: make([]byte, publicSize)}
	Deep(func() { derive(k.public, seed.b[:seedSize]) })
	runtime.AddCleanup(k, (*pages).free, seed)
	return k
}

// Public gives the ed25519.PublicKey; also of a key that is not in memory.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Sign gives the signature of the message itself (RFC 8032, not of a hash of it);
// ErrErased while the key is not in memory.
func (k *Key) Sign(_ io.Reader, msg []byte, o crypto.SignerOpts) ([]byte, error) {
	if o != nil && o.HashFunc() != 0 {
		return nil, errors.New("ed25519: only whole messages are signed")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seed == nil {
		return nil, ErrErased
	}
	sig := make([]byte, signatureSize)
	Deep(func() { sign(sig, k.seed.b[:seedSize], k.public, msg) })
	return sig, nil
}

// Erase takes the key out of memory.
func (k *Key) Erase() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seed != nil {
		k.seed.free()
		k.seed = nil
	}
}

// Reread takes the key back into memory, from a file that Read or Write knew.
func (k *Key) Reread(file string) error {
	again, _, err := Read(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(again.public, k.public) {
		again.Erase()
		return fmt.Errorf("%s: holds another key than before", file)
	}
	defer again.Erase()
	seed, err := newPages(seedSize)
	if err != nil {
		return err
	}
	copy(seed.b, again.seed.b[:seedSize])
	k.Erase()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seed = seed
	runtime.AddCleanup(k, (*pages).free, seed)
	return nil
}
