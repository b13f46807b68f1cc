package memory

import (
	"slices"
	"sync"
)

// Suspects is what the collector indicators tells others: the collector contents,
// which processes have an indicator and which of their memory is worth keeping;
// the responder, how many there are of each level and which are the surest. One
// value is made for a collection. It is safe for concurrent use; the zero value
// is ready.
type Suspects struct {
	mu     sync.Mutex
	done   bool
	list   []Suspect
	counts [High + 1]int
	worst  []Indicator
}

// A Suspect is a process that has at least one indicator.
type Suspect struct {
	PID        int
	StartTicks uint64
	Level      Level    // the highest of its indicators
	IDs        []string // kinds of its indicators
	Regions    []Region
}

// A Region is a range of a process's address space.
type Region struct {
	Start, End uint64 // addresses, End not included
	Why        string // the kind of indicator that it belongs to
}

// Add notes a suspect; the regions and kinds of one process are joined.
func (s *Suspects) Add(p Suspect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		old := &s.list[i]
		if old.PID == p.PID && old.StartTicks == p.StartTicks {
			old.Level = max(old.Level, p.Level)
			old.Regions = append(old.Regions, p.Regions...)
			for _, id := range p.IDs {
				if !slices.Contains(old.IDs, id) {
					old.IDs = append(old.IDs, id)
				}
			}
			return
		}
	}
	s.list = append(s.list, p)
}

// maxWorst is how many of the surest rows are kept for the responder.
const maxWorst = 8

// Done says that the search has ended with these rows, the surest first: an empty
// list of suspects now means that nothing was found.
func (s *Suspects) Done(rows []Indicator) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	for _, r := range rows {
		s.counts[min(r.Level, High)]++
	}
	s.worst = slices.Clone(rows[:min(len(rows), maxWorst)])
}

// Count gives how many rows of a level there are, and whether the search was made.
func (s *Suspects) Count(l Level) (n int, searched bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[min(l, High)], s.done
}

// Worst gives the surest rows, a few.
func (s *Suspects) Worst() []Indicator {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.worst)
}

// List gives the suspects in the order in which they were found, and whether the
// search was made at all.
func (s *Suspects) List() (list []Suspect, searched bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list), s.done
}
