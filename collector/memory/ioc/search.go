package ioc

import (
	"fmt"
	"slices"
)

// A Search is the lists of one collection and what was found of them. It is safe
// for concurrent use.
type Search struct {
	lists      []*List
	inMemory   bool
	indicators []Indicator
	hashes     map[string]int32 // index of an indicator by its hash in lower case
	hashKinds  []Kind
	// values looks at text in tables; bytes at anything else; raw texts get both.
	values, bytes *matcher
	hits          hits
}

// New prepares a search for what is in the lists; inMemory says that the memory of
// processes is searched, too.
func New(lists []*List, inMemory bool) *Search {
	s := &Search{lists: lists, inMemory: inMemory, hashes: map[string]int32{}}
	for n, l := range lists {
		for _, in := range l.Indicators {
			in.List = n
			s.indicators = append(s.indicators, in)
		}
	}
	for i := range s.indicators {
		switch in := &s.indicators[i]; in.Kind {
		case MD5, SHA1, SHA256:
			s.hashes[in.Value] = int32(i)
			if !slices.Contains(s.hashKinds, in.Kind) {
				s.hashKinds = append(s.hashKinds, in.Kind)
			}
		}
	}
	s.values, s.bytes = newMatcher(s.indicators, false), newMatcher(s.indicators, true)
	return s
}

// Lists gives the lists, in the order in which they were given.
func (s *Search) Lists() []*List { return s.lists }

// Hits is how many hits there are by now, those over the bounds included.
func (s *Search) Hits() int { return s.hits.count() }

// Member is the path in the archive of list n, counted from 0.
func Member(n int) string { return fmt.Sprintf("memory/ioc/list-%d.txt", n+1) }
