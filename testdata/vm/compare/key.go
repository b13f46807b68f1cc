package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// A needle is bytes that give the private key away.
type needle struct {
	name  string
	bytes []byte
}

// needles are the forms in which an Ed25519 key lies in memory (RFC 8032 section
// 5.1.5): its seed, what the seed is hashed to, and the text of its file.
func needles(file string) ([]needle, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	raw, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		return nil, err
	}
	key, ok := raw.(*ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: a %T, want Ed25519", file, raw)
	}
	hash := sha512.Sum512(key.Seed())
	clamped := bytes.Clone(hash[:32])
	clamped[0] &= 248
	clamped[31] = clamped[31]&63 | 64
	all := []needle{
		{"seed", key.Seed()},
		{"scalar", hash[:32]},
		{"clamped scalar", clamped},
		{"prefix", hash[32:]},
	}
	// The fourth line of base64 holds the seed; those before it are in every copy of the public key.
	for i, line := range strings.Split(string(text), "\n") {
		if i == 4 {
			all = append(all, needle{fmt.Sprintf("line %d of the file", i+1), []byte(line)})
		}
	}
	return all, nil
}

// searchKey prints where the key was, and gives where it is in the image.
func searchKey(m *image, folder, file string) (bad []string, err error) {
	all, err := needles(file)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"before", "after"} {
		saved, err := banks(folder, name)
		if err != nil {
			return nil, err
		}
		for _, k := range saved {
			found, err := search(k.file, k.end-k.start, all)
			if err != nil {
				return nil, err
			}
			for _, f := range found {
				fmt.Printf("key: memory %s has the %s at %x\n", name, f.what, k.start+f.at)
			}
		}
	}
	found, err := search(m, m.size, all)
	for _, f := range found {
		bad = append(bad, fmt.Sprintf("the image has the %s of the private key at physical address %x", f.what, m.physical(f.at)))
	}
	if len(found) == 0 && err == nil {
		fmt.Printf("key: none of its %d forms is in the image\n", len(all))
	}
	return bad, err
}

// physical gives the address of what lies at an offset of the image.
func (m *image) physical(at int64) int64 {
	for _, r := range m.ranges {
		if at >= r.at && at < r.at+r.end-r.start {
			return r.start + at - r.at
		}
	}
	return -1
}

type hit struct {
	what string
	at   int64
}

// search finds every needle, also where it lies across two reads.
func search(from io.ReaderAt, size int64, all []needle) (found []hit, err error) {
	const step, overlap = 4 << 20, 256
	b := make([]byte, step+overlap)
	for at := int64(0); at < size; at += step {
		n := min(size-at, int64(len(b)))
		if _, err := from.ReadAt(b[:n], at); err != nil {
			return nil, err
		}
		for _, needle := range all {
			for i := 0; ; i++ {
				k := bytes.Index(b[i:n], needle.bytes)
				if k < 0 || i+k >= step {
					break
				}
				i += k
				found = append(found, hit{needle.name, at + int64(i)})
			}
		}
	}
	return found, nil
}
