package ram

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"testing"
)

// benchSize is the memory that the benchmarks read: more than any cache.
const benchSize = 256 << 20

type heap struct{ *bytes.Reader }

func (heap) Close() error { return nil }

func benchMemory(b *testing.B) heap {
	mem := make([]byte, benchSize)
	rand.NewChaCha8([32]byte{}).Read(mem)
	for at := 0; at < len(mem); at += 3 * fakePage { // a third is empty, as on most machines
		clear(mem[at : at+fakePage])
	}
	b.SetBytes(benchSize)
	b.ResetTimer()
	return heap{bytes.NewReader(mem)}
}

// BenchmarkImage reads memory into an image that is hashed once. The goal is 0.8
// of BenchmarkCopy.
func BenchmarkImage(b *testing.B) {
	src := &source{dev: benchMemory(b)}
	for b.Loop() {
		l := layOut([]resource{{span: span{0, benchSize}}}, nil)
		m := &image{layout: l, src: src, page: fakePage, flags: &pageFlags{}, smear: newSmear(l.sections, fakePage, smearSample, rand.New(rand.NewPCG(1, 2)))}
		if err := m.write(context.Background(), sha256.New()); err != nil || m.unreadPages > 0 {
			b.Fatal(err)
		}
	}
}

// BenchmarkCopy is the same without knowing anything of what is read.
func BenchmarkCopy(b *testing.B) {
	mem := benchMemory(b)
	for b.Loop() {
		if _, err := io.CopyBuffer(struct{ io.Writer }{sha256.New()}, io.NewSectionReader(mem, 0, benchSize), make([]byte, chunk)); err != nil {
			b.Fatal(err)
		}
	}
}
