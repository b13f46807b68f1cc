// Package lru keeps what was last asked for, within a bound: decompressed chunks,
// tables and directories of disk images, which are read again and again.
//
// Begin with Cache.
package lru

import (
	"container/list"
	"sync"
)

// A Cache holds values under keys, at most so many that their sizes together stay
// within the bound. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu    sync.Mutex
	max   int64
	used  int64
	order list.List // of *held[K, V], the last used first
	held  map[K]*list.Element
}

type held[K comparable, V any] struct {
	key  K
	v    V
	size int64
}

// New makes a cache whose values' sizes are at most limit together, in the unit
// that the caller of Put measures in.
func New[K comparable, V any](limit int64) *Cache[K, V] {
	return &Cache[K, V]{max: limit, held: map[K]*list.Element{}}
}

// Get gives the value of a key, and whether it is there.
func (c *Cache[K, V]) Get(key K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.held[key]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*held[K, V]).v, true
}

// Put keeps a value, and lets go of those that were not asked for longest. A value
// larger than the bound is not kept.
func (c *Cache[K, V]) Put(key K, v V, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.held[key]; ok {
		c.remove(e)
	}
	if size > c.max {
		return
	}
	c.held[key] = c.order.PushFront(&held[K, V]{key, v, size})
	c.used += size
	for c.used > c.max {
		c.remove(c.order.Back())
	}
}

func (c *Cache[K, V]) remove(e *list.Element) {
	h := c.order.Remove(e).(*held[K, V])
	delete(c.held, h.key)
	c.used -= h.size
}
