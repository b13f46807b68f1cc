package model

import (
	"slices"
	"strings"

	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// An Item is a record as the report tells it.
type Item struct {
	Path, Source, Collector string
	Outcome                 evidence.Outcome
	Shortfall               bool
	Note                    string
	Size                    int64
	Began, Ended            string
}

// Items counts the records.
type Items struct {
	Count   [evidence.Failed + 1]int64
	All     int64
	Bytes   int64
	Short   int64
	First   string // the earliest beginning and the latest end
	Last    string
	By      []Collected // by collector, in the order in which they came
	Lacking []Item      // what is short of the plan, or was not wholly taken
	Absent  []Item      // what is not there, or was not wanted
	by      map[string]int
}

// Collected counts what came of one collector.
type Collected struct {
	Collector string
	Count     [evidence.Failed + 1]int64
	Bytes     int64
	Short     int64
	First     string
	Last      string
}

// maxCollectors bounds names: a real archive has about twenty.
const maxCollectors = 200

func (s *Items) init() { s.by = map[string]int{} }

func (s *Items) add(i Item) {
	if i.Outcome > evidence.Failed {
		return
	}
	i.Path, i.Source, i.Note, i.Collector = clip(i.Path), clip(i.Source), clip(i.Note), clip(i.Collector)
	n, known := s.by[i.Collector]
	if !known {
		n = len(s.By)
		if n >= maxCollectors {
			n = maxCollectors - 1
		} else {
			s.By = append(s.By, Collected{Collector: i.Collector})
		}
		s.by[i.Collector] = n
	}
	c := &s.By[n]
	c.Count[i.Outcome]++
	s.Count[i.Outcome]++
	s.All++
	s.Bytes += i.Size
	c.Bytes += i.Size
	c.First, c.Last = earlier(c.First, i.Began), later(c.Last, i.Ended)
	s.First, s.Last = earlier(s.First, i.Began), later(s.Last, i.Ended)
	switch {
	case i.Shortfall:
		s.Short++
		c.Short++
		keep(&s.Lacking, i)
	case i.Outcome == evidence.Absent, i.Outcome == evidence.Skipped:
		keep(&s.Absent, i)
	case i.Outcome != evidence.Collected:
		keep(&s.Lacking, i)
	}
}

func keep(list *[]Item, i Item) {
	if len(*list) < maxItems {
		*list = append(*list, i)
	}
}

// Gravest gives what is short of the plan, what failed before what was denied.
func (s *Items) Gravest() []Item {
	list := slices.Clone(s.Lacking)
	rank := func(i Item) int {
		switch i.Outcome {
		case evidence.Failed:
			return 0
		case evidence.Partial:
			return 1
		case evidence.Denied:
			return 2
		}
		return 3
	}
	sorting.By(list, func(a, b Item) int { return rank(a) - rank(b) })
	return list
}

func earlier(a, b string) string {
	if a == "" || b != "" && strings.Compare(b, a) < 0 {
		return b
	}
	return a
}

func later(a, b string) string { return max(a, b) }
