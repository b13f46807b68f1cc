package server

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/time/rate"

	"hozen/service/hub/intake"
)

// Limits are what one endpoint may ask of the hub, so that a PC in an attacker's hand
// cannot fill it. Zero values take the defaults.
type Limits struct {
	Rate    float64 // messages a second; default 200
	Burst   int     // messages at once; default 400
	Queue   int64   // bytes that wait to be looked at; default 8 MiB
	Transit int64   // bytes of one endpoint that have no receipt yet; default 256 GiB
	Share   float64 // of the disk that one endpoint may fill; default 0.8
	Uploads int     // collections of one endpoint that have no receipt yet; default 64
	Active  int     // uploads of all endpoints that go on at the same time; default 256
	Jobs    int     // jobs of one operator in a row, then one in 5 seconds; default 200
}

func (l Limits) withDefaults() Limits {
	set := func(p *int64, v int64) {
		if *p <= 0 {
			*p = v
		}
	}
	if l.Rate <= 0 {
		l.Rate = 200
	}
	if l.Share <= 0 {
		l.Share = intake.DefaultShare
	}
	burst, uploads, active, jobs := int64(l.Burst), int64(l.Uploads), int64(l.Active), int64(l.Jobs)
	set(&burst, 400)
	set(&uploads, 64)
	set(&active, 256)
	set(&jobs, 200)
	set(&l.Queue, 8<<20)
	set(&l.Transit, 256<<30)
	l.Burst, l.Uploads, l.Active, l.Jobs = int(burst), int(uploads), int(active), int(jobs)
	return l
}

const (
	laneIdle    = 10 * time.Minute // then a lane is forgotten
	maxLanes    = 100_000
	kickAfter   = 2000 // messages over the limits, within laneIdle, that close a connection
	minMessage  = 512  // bytes that a message counts for in a queue, however short
	tooMany     = "too many messages at once"
	waitTooMany = 2 // seconds
)

// lanes keep the messages of each endpoint apart: they are handled in order, one at a
// time for each, and a goroutine is there only while there are any.
type lanes struct {
	limits Limits
	handle func(id string, m *nats.Msg)
	refuse func(m *nats.Msg) // answers one that is over the limits
	kick   func(id string)
	wg     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	all     map[string]*lane
	dropped uint64
}

type lane struct {
	queue   []*nats.Msg
	bytes   int64
	running bool
	rate    *rate.Limiter
	over    int
	last    time.Time
}

// put queues a message of id, or refuses it. It never waits.
func (l *lanes) put(id string, m *nats.Msg) {
	size := max(int64(len(m.Data)), minMessage)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	ln := l.all[id]
	if ln == nil {
		if len(l.all) >= maxLanes {
			l.forget(0)
		}
		ln = &lane{rate: rate.NewLimiter(rate.Limit(l.limits.Rate), l.limits.Burst)}
		l.all[id] = ln
	}
	ln.last = time.Now()
	if !ln.rate.Allow() || ln.bytes+size > l.limits.Queue && len(ln.queue) > 0 {
		l.dropped++
		ln.over++
		out := ln.over > kickAfter
		if out {
			ln.over = 0
		}
		l.mu.Unlock()
		l.refuse(m)
		if out {
			l.kick(id)
		}
		return
	}
	ln.queue, ln.bytes = append(ln.queue, m), ln.bytes+size
	if !ln.running {
		ln.running = true
		l.wg.Add(1)
		go l.run(id, ln)
	}
	l.mu.Unlock()
}

func (l *lanes) run(id string, ln *lane) {
	defer l.wg.Done()
	for {
		l.mu.Lock()
		if len(ln.queue) == 0 || l.closed {
			ln.running, ln.queue, ln.bytes = false, nil, 0
			l.mu.Unlock()
			return
		}
		m := ln.queue[0]
		ln.queue = ln.queue[1:]
		l.mu.Unlock()
		l.handle(id, m)
		l.mu.Lock()
		ln.bytes -= max(int64(len(m.Data)), minMessage)
		l.mu.Unlock()
	}
}

// tidy forgets lanes that were idle.
func (l *lanes) tidy() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(laneIdle)
}

func (l *lanes) forget(idle time.Duration) {
	for id, ln := range l.all {
		if !ln.running && time.Since(ln.last) >= idle {
			delete(l.all, id)
		}
	}
}

// close lets what is being handled end, and takes nothing more.
func (l *lanes) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wg.Wait()
}

// droppedCount is how many messages were over the limits.
func (l *lanes) droppedCount() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}
