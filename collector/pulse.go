package collector

import (
	"sync"
	"time"
)

// A Pulse shows whether a host answers: what is asked of it now, and since when. A
// copy of a Host that has one is for one goroutine; another looks at the pulse, and
// leaves that goroutine behind when an answer does not come. The zero Pulse is ready;
// all methods may be called on a nil one, and concurrently.
type Pulse struct {
	mu    sync.Mutex
	name  string
	began time.Time // zero while nothing is asked
}

// Ask says that the host is asked for a name from now on.
func (p *Pulse) Ask(name string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.name, p.began = name, time.Now()
	p.mu.Unlock()
}

// Answer says that it answered.
func (p *Pulse) Answer() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.began = time.Time{}
	p.mu.Unlock()
}

// Waiting gives the name that the host is asked for now, and for how long; 0 if
// nothing is asked.
func (p *Pulse) Waiting() (name string, since time.Duration) {
	if p == nil {
		return "", 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() {
		return "", 0
	}
	return p.name, max(time.Since(p.began), 1)
}
