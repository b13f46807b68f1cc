package ram

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"time"
)

// smearSample is how many pages are read twice. With 4,096 the share that changed
// is known to 1.6 points, 95 times in 100.
const smearSample = 4096

// A smear measures how much of memory changed while the image was made: pages
// spread over all of it are read again at the end.
type smear struct {
	pages []sampled // ascending
	next  int       // the first that was not passed yet
}

type sampled struct {
	span
	taken bool // it was read
	when  time.Time
	sum   [sha256.Size]byte
}

// newSmear chooses pages: memory is divided into as many equal parts as there are
// to be pages, and one of each part is chosen at random.
func newSmear(sections []section, page uint64, want int, random *rand.Rand) *smear {
	total := uint64(0)
	for _, s := range sections {
		total += s.size() / page
	}
	count := min(uint64(want), total)
	m := &smear{pages: make([]sampled, 0, count)}
	before, n := uint64(0), uint64(0) // pages of earlier sections; of the sample
	for _, s := range sections {
		first := (s.start + page - 1) / page * page
		in := uint64(0)
		if first+page <= s.end {
			in = (s.end - first) / page
		}
		for ; n < count; n++ {
			low, high := n*total/count, (n+1)*total/count
			at := low + random.Uint64N(high-low)
			if at >= before+in {
				break
			}
			start := first + (max(at, before)-before)*page
			if k := len(m.pages); k == 0 || m.pages[k-1].start < start {
				m.pages = append(m.pages, sampled{span: span{start, start + page}})
			}
		}
		before += in
	}
	return m
}

// first is given every page that was read, in order, and remembers the sample.
func (m *smear) first(s span, b []byte) {
	for m.next < len(m.pages) && m.pages[m.next].start < s.start {
		m.next++
	}
	if m.next < len(m.pages) && m.pages[m.next].span == s {
		p := &m.pages[m.next]
		p.taken, p.when, p.sum = true, time.Now(), sha256.Sum256(b)
	}
}

// A SmearRow is the measured smear, in the summary of the map.
type SmearRow struct {
	Sample  int     `json:"sample"`         // pages that were read twice
	Changed int     `json:"changed"`        // of those, the ones that differed
	Share   float64 `json:"share"`          // Changed of Sample
	Lost    int     `json:"lost,omitempty"` // pages that could not be read again
	// Seconds between the two reads of a page.
	LeastSeconds float64 `json:"least_seconds"`
	MeanSeconds  float64 `json:"mean_seconds"`
	MostSeconds  float64 `json:"most_seconds"`
}

// again reads the sample again. It gives nil if nothing was read twice.
func (m *smear) again(ctx context.Context, src *source) *SmearRow {
	var r SmearRow
	for i := range m.pages {
		p := &m.pages[i]
		if !p.taken || ctx.Err() != nil {
			continue
		}
		b := make([]byte, p.size())
		if src.readFull(b, p.start) != nil {
			r.Lost++
			continue
		}
		between := time.Since(p.when).Seconds()
		if r.Sample++; r.Sample == 1 {
			r.LeastSeconds = between
		}
		r.LeastSeconds, r.MostSeconds = min(r.LeastSeconds, between), max(r.MostSeconds, between)
		r.MeanSeconds += between
		if sha256.Sum256(b) != p.sum {
			r.Changed++
		}
	}
	if r.Sample == 0 {
		return nil
	}
	r.MeanSeconds /= float64(r.Sample)
	r.Share = float64(r.Changed) / float64(r.Sample)
	return &r
}
