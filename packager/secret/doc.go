// Package secret keeps private keys so that they can be taken out of memory: an
// image of RAM that we take ourselves must not hold the keys that sign it.
//
// Erasing a key in Go means to make no copies of it in the first place:
//
//   - The seed, 32 bytes, lies in pages of its own (pages_unix.go), outside of what
//     the garbage collector manages, locked against swap, left out of core dumps.
//   - All that is computed from it (the hash of the seed, scalar, nonce) lives only
//     on the stack of a goroutine made for it, which cannot be moved meanwhile, on a
//     thread that takes no signals meanwhile, and which is wiped after it (deep.go).
//     Nothing of it is allocated; a test holds that.
//   - The arithmetic is filippo.io/edwards25519: that of the standard library, kept
//     apart by the same people, in constant time. crypto/ed25519 itself keeps
//     expanded keys in a cache that cannot be emptied.
//   - Key files are read and written past the page cache (file_linux.go).
//
// What remains is said by who calls: copies that the kernel makes (a page that it
// moves, registers that it saves), and whatever had read the key file before.
package secret
