package server

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	jobGap     = 5 * time.Second // one job in so much time, after Limits.Jobs in a row
	maxSenders = 4096
)

// senders bound how many jobs each operator leaves behind here: jobs are kept for good.
type senders struct {
	burst int
	mu    sync.Mutex
	all   map[string]*rate.Limiter
}

func newSenders(burst int) *senders {
	return &senders{burst: burst, all: map[string]*rate.Limiter{}}
}

// allow says whether that operator may send one more now.
func (s *senders) allow(by string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.all[by]
	if l == nil {
		if len(s.all) >= maxSenders {
			clear(s.all) // operators are few: never in an ordinary life
		}
		l = rate.NewLimiter(rate.Every(jobGap), s.burst)
		s.all[by] = l
	}
	return l.AllowN(now, 1)
}
