package walk

import (
	"hash/maphash"
	"sync"
)

// seen is a set of device and inode, kept as hashes. It is safe for concurrent use.
type seen struct {
	mu   sync.Mutex
	seed maphash.Seed
	set  map[uint64]struct{}
}

// maxSeen bounds a set: at most some 100 MB. What comes later counts as not seen.
const maxSeen = 4 << 20

func (s *seen) init() {
	s.seed, s.set = maphash.MakeSeed(), map[uint64]struct{}{}
}

// add says whether the object was there before.
func (s *seen) add(dev, inode uint64) bool {
	key := maphash.Comparable(s.seed, [2]uint64{dev, inode})
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.set[key]; ok {
		return true
	}
	if len(s.set) < maxSeen {
		s.set[key] = struct{}{}
	}
	return false
}
