package secret

import (
	"runtime"
	"sync"
)

// pageSize is what pages are counted in; buffers are aligned to it on Unix.
const pageSize = 4096

// pages hold a secret. They are wiped before they are given back.
type pages struct {
	once sync.Once
	b    []byte
}

func newPages(n int) (*pages, error) {
	b, err := allocate((n + pageSize - 1) / pageSize * pageSize)
	if err != nil {
		return nil, err
	}
	return &pages{b: b}, nil
}

func (p *pages) free() {
	p.once.Do(func() {
		clear(p.b)
		runtime.KeepAlive(p.b)
		release(p.b)
		p.b = nil
	})
}
