package intake

import (
	"strings"
	"sync"
)

// A queue holds keys of uploads that are to be worked on, each once. Endpoints take
// turns, and each has one upload worked on at a time: who leaves many here waits for
// himself, not others for him.
type queue struct {
	mu      sync.Mutex
	cond    *sync.Cond
	turns   []string            // endpoints with something to do, none of them busy
	waiting map[string][]string // keys of each endpoint, the oldest first
	in      map[string]bool     // keys that wait
	busy    map[string]bool     // endpoints that are worked for
	closed  bool
}

func newQueue() *queue {
	q := &queue{waiting: map[string][]string{}, in: map[string]bool{}, busy: map[string]bool{}}
	q.cond = sync.NewCond(&q.mu)
	return q
}

func ownerOf(key string) string {
	id, _, _ := strings.Cut(key, ".")
	return id
}

func (q *queue) put(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.in[key] || q.closed {
		return
	}
	id := ownerOf(key)
	q.in[key] = true
	q.waiting[id] = append(q.waiting[id], key)
	if len(q.waiting[id]) == 1 && !q.busy[id] {
		q.turn(id)
	}
}

// turn puts an endpoint behind the others.
func (q *queue) turn(id string) {
	q.turns = append(q.turns, id)
	q.cond.Signal()
}

// get waits for a key; false when the queue is closed. Its endpoint is busy until done.
// The same key may be put again at once.
func (q *queue) get() (string, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.turns) == 0 && !q.closed {
		q.cond.Wait()
	}
	if q.closed {
		return "", false
	}
	id := q.turns[0]
	q.turns = q.turns[1:]
	key := q.waiting[id][0]
	if q.waiting[id] = q.waiting[id][1:]; len(q.waiting[id]) == 0 {
		delete(q.waiting, id)
	}
	delete(q.in, key)
	q.busy[id] = true
	return key, true
}

// done says that the work on a key has ended.
func (q *queue) done(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	id := ownerOf(key)
	delete(q.busy, id)
	if len(q.waiting[id]) > 0 {
		q.turn(id)
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.cond.Broadcast()
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.in)
}
