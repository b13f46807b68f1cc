package users

import (
	"hash/maphash"
	"net"
	"net/netip"
	"sync"
	"time"
)

// How many wrong passwords are free, and how soon another one is: for one user from
// anywhere, and from one address (of IPv6: one /64) for all users. Sessions that are
// open go on whatever somebody else tries.
const (
	userTries, userEvery       = 10, 30 * time.Second
	addressTries, addressEvery = 30, 6 * time.Second
	buckets                    = 1 << 12
)

// tries bounds guessing, in a fixed amount of memory: names and addresses fall into
// buckets by a hash that nobody outside can foretell, so that filling the table only
// makes guessing slower for those who share a bucket.
type tries struct {
	mu        sync.Mutex
	seed      maphash.Seed
	users     []bucket
	addresses []bucket
}

func newTries() tries {
	return tries{seed: maphash.MakeSeed(), users: make([]bucket, buckets), addresses: make([]bucket, buckets)}
}

// A bucket counts what was spent; it empties with time.
type bucket struct {
	spent float64
	at    time.Time
}

func (b *bucket) settle(every time.Duration, now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.spent = max(0, b.spent-float64(d)/float64(every))
		b.at = now
	}
}

// take spends one try of user and address; it says no, and spends nothing, if either has none.
func (t *tries) take(user, from string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, a := t.bucketsOf(user, from)
	u.settle(userEvery, now)
	a.settle(addressEvery, now)
	if u.spent > userTries-1 || a.spent > addressTries-1 {
		return false
	}
	u.spent++
	a.spent++
	return true
}

// giveBack is for a password that was right.
func (t *tries) giveBack(user, from string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, a := t.bucketsOf(user, from)
	u.spent, a.spent = max(0, u.spent-1), max(0, a.spent-1)
}

func (t *tries) bucketsOf(user, from string) (u, a *bucket) {
	return &t.users[maphash.String(t.seed, user)%buckets], &t.addresses[maphash.String(t.seed, network(from))%buckets]
}

// network is the part of an address that one machine cannot change at will.
func network(from string) string {
	if host, _, err := net.SplitHostPort(from); err == nil {
		from = host
	}
	a, err := netip.ParseAddr(from)
	if err != nil {
		return from
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.String()
	}
	return a.String()
}
