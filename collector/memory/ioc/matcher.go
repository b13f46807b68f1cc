package ioc

import (
	"bytes"
	"net/netip"
)

// A Matcher looks for indicators in bytes. Other languages of rules (YARA, STIX,
// MISP) come in behind it.
type Matcher interface {
	// Match calls yield for every hit in b, in no order. The beginning and the end of b
	// count as the beginning and the end of everything.
	Match(b []byte, yield func(Found))
	// Reach is how many bytes a hit has at most, with what beside it decides on it.
	Reach() int
}

// Found is one hit.
type Found struct {
	Indicator  int // index
	Start, End int // in the bytes given to Match
	Form       string
}

// A matcher is the Matcher of lists.
type matcher struct {
	indicators []Indicator
	search     *searcher
	tokens     *tokens
	short      []shortName // too short for the search; for texts alone
	// unsought gives for an indicator why it is not searched for, by its index.
	unsought map[int]string
}

type shortName struct {
	lower []byte
	of    int32
	edge  edge
}

// edgeReach is how many bytes beside a pattern its edges need, an address that
// networkEdge reads among them.
const edgeReach = 40

// newMatcher makes the matcher for memory and other bytes of any kind, or the one
// for values that are known to be text, in which addresses and hashes are found in
// every spelling.
func newMatcher(indicators []Indicator, memory bool) *matcher {
	m := &matcher{indicators: indicators, unsought: map[int]string{}}
	var all []pattern
	for i := range indicators {
		in := &indicators[i]
		address := in.Kind == Address || in.Kind == Network
		if !memory && (address || in.Kind == UTF16) {
			continue // tokens find the one; text in a table is not UTF-16
		}
		patterns, why := in.patterns(memory)
		for _, p := range patterns {
			p.of = int32(i)
			all = append(all, p)
		}
		if why != "" {
			m.unsought[i] = why
			if !memory && in.Kind == FileName {
				m.short = append(m.short, shortName{bytes.ToLower([]byte(in.Value)), int32(i), nameEdge})
			}
		}
	}
	m.search = newSearcher(all)
	if !memory {
		m.tokens = newTokens(indicators)
	}
	return m
}

// Reach implements Matcher.
func (m *matcher) Reach() int { return max(m.search.longest, maxToken) + 2*edgeReach }

// Match implements Matcher.
func (m *matcher) Match(b []byte, yield func(Found)) {
	m.search.search(b, func(p *pattern, start, end int) {
		var network netip.Prefix
		if p.edge == networkEdge {
			network = m.indicators[p.of].prefix
		}
		if end, ok := p.found(b, start, end, network); ok {
			yield(Found{int(p.of), start, end, p.form.String()})
		}
	})
	if m.tokens != nil && !m.tokens.empty() {
		m.tokens.scan(b, func(of int32, start, end int) { yield(Found{int(of), start, end, asText.String()}) })
	}
	for i := range m.short {
		m.short[i].scan(b, yield)
	}
}

// scan finds a short name as a component of a path or a word.
func (s *shortName) scan(b []byte, yield func(Found)) {
	p := pattern{edge: s.edge}
	for i := 0; i+len(s.lower) <= len(b); i++ {
		if end := i + len(s.lower); bytes.EqualFold(b[i:end], s.lower) {
			if _, ok := p.found(b, i, end, netip.Prefix{}); ok {
				yield(Found{int(s.of), i, end, asText.String()})
			}
		}
	}
}
