package hive

import (
	"io"
	"sync"
)

const (
	blockSize = 16 << 10 // of what is read at once and kept
	maxBlocks = 1024     // that are kept: 16 MiB
)

// pages are the bytes of a hive: the file's, with those of the logs laid over it.
type pages struct {
	r    io.ReaderAt
	size int64                     // of the file, or behind its end where a log has made it longer
	fail func(at int64, err error) // told of sectors that cannot be read

	mu   sync.Mutex
	over map[int64]*[sector]byte // by number of the sector in the file
	kept map[int64][]byte        // by number of the block
	last []int64                 // kept ones, the longest kept first
}

// read gives n bytes at an offset of the file; fewer behind its end or where the file
// cannot be read.
func (p *pages) read(at int64, n int) []byte {
	if at < 0 || at >= p.size || n <= 0 {
		return nil
	}
	n = int(min(int64(n), p.size-at))
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.block(at / blockSize)
	from := int(at % blockSize)
	if from+n <= len(first) {
		return first[from : from+n : from+n]
	}
	out := make([]byte, 0, n)
	for number := at / blockSize; len(out) < n; number++ {
		b := p.block(number)
		if from >= len(b) {
			break
		}
		out = append(out, b[from:min(len(b), from+n-len(out))]...)
		if len(b) < blockSize {
			break
		}
		from = 0
	}
	return out
}

// block gives a block, which nobody changes.
func (p *pages) block(number int64) []byte {
	if b, ok := p.kept[number]; ok {
		return b
	}
	b := make([]byte, min(blockSize, p.size-number*blockSize))
	n := p.fill(b, number*blockSize)
	for i := int64(0); i*sector < int64(len(b)); i++ {
		s := p.over[number*(blockSize/sector)+i]
		if s != nil {
			copied := copy(b[i*sector:], s[:])
			n = max(n, int(i*sector)+copied)
		}
	}
	b = b[:n]
	if len(p.last) == maxBlocks {
		delete(p.kept, p.last[0])
		p.last = append(p.last[:0], p.last[1:]...)
	}
	p.kept[number], p.last = b, append(p.last, number)
	return b
}

// fill reads the file, by sectors where it cannot be read at once, and gives where the
// file ends in b. What cannot be read is zeros.
func (p *pages) fill(b []byte, at int64) int {
	n, err := p.r.ReadAt(b, at)
	if err == nil || err == io.EOF {
		return n
	}
	end := 0
	for from := 0; from < len(b); from += sector {
		to := min(from+sector, len(b))
		n, err := p.r.ReadAt(b[from:to], at+int64(from))
		if err == nil || err == io.EOF {
			end = max(end, from+n)
			continue
		}
		clear(b[from+n : to])
		end = to
		p.fail(at+int64(from), err)
	}
	return end
}

// lay lays whole sectors over the file.
func (p *pages) lay(at int64, b []byte) {
	for ; len(b) >= sector; at, b = at+sector, b[sector:] {
		s := [sector]byte(b)
		p.over[at/sector] = &s
	}
}

// grow makes the hive as long as what the logs have laid over it.
func (p *pages) grow() {
	for number := range p.over {
		p.size = max(p.size, (number+1)*sector)
	}
}
