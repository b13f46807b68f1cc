package isolate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"hozen/packager/evidence/sorting"
)

// wfpState is what the filtering platform holds at one moment.
type wfpState struct {
	providers []wfpNamed
	sublayers []wfpNamed
	filters   []wfpSeen
}

// wfpNamed is a provider or a sublayer.
type wfpNamed struct {
	id, provider guid
	name, text   string
	weight       uint16 // of a sublayer
}

// wfpSeen is a filter that is there; boot-time ones are not shown.
type wfpSeen struct {
	id, provider, sublayer guid
	layerID                guid
	name, layer            string // the layer as in a wfpFilter; "" of one that we do not use
	block                  bool
	text                   string // everything about it but its number in the kernel
	data                   string // provider data
}

func (s wfpSeen) ours() bool { return s.provider == wfpProvider() || s.sublayer == wfpSublayer() }

// ruleset is the state as the neutral part knows rules: a table for each sublayer, and ours.
func (s wfpState) ruleset(now time.Time) Ruleset {
	var r Ruleset
	tables := map[guid]*tableParser{}
	var order []guid
	table := func(id guid, ours bool) *tableParser {
		if ours {
			id = wfpSublayer()
		}
		if tables[id] == nil {
			tables[id] = &tableParser{TableDump: TableDump{Family: wfpFamily, Name: id.String(), Ours: ours}}
			if ours {
				tables[id].Name = Table
			}
			order = append(order, id)
		}
		return tables[id]
	}
	add := func(t *tableParser, text string) {
		t.elements = append(t.elements, []byte(text))
	}
	for _, p := range s.providers {
		if p.id == wfpProvider() {
			add(table(guid{}, true), "provider "+p.text)
		}
	}
	for _, l := range s.sublayers {
		t := table(l.id, l.id == wfpSublayer() || l.provider == wfpProvider())
		if !t.Ours && l.name != "" {
			t.Name = l.name + " " + l.id.String()
		}
		t.Rival = !t.Ours && l.weight == topWeight
		add(t, "sublayer "+l.text)
	}
	for _, f := range s.filters {
		add(table(f.sublayer, f.ours()), "filter "+f.text)
	}
	for _, id := range order {
		t := tables[id]
		sorting.By(t.elements, func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
		h := sha256.New()
		for _, e := range t.elements {
			fmt.Fprintf(h, "%d %s\n", len(e), e)
			fmt.Fprintf(&t.text, "  %s\n", plainLine(string(e)))
		}
		t.SHA256, t.Text = hex.EncodeToString(h.Sum(nil)), fmt.Sprintf("sublayer %s\n%s", plainLine(t.Name), t.text.String())
		if t.Ours {
			t.Left, t.Broken = s.holds(now)
		}
		r.Tables = append(r.Tables, t.TableDump)
	}
	return r
}

// wfpFamily is the family of a table that is a sublayer of the filtering platform.
const wfpFamily = "wfp"

// holds says how long the isolation that is there still holds, and what of it is missing.
// Without a deadline it is missing that; the longest one counts.
func (s wfpState) holds(now time.Time) (left time.Duration, broken string) {
	has, deadline := map[guid]bool{}, false
	for _, f := range s.filters {
		if !f.ours() {
			continue
		}
		has[f.id] = true
		text, ok := strings.CutPrefix(f.data, deadlineData)
		until, err := parseWall(text)
		if !ok || err != nil {
			continue
		}
		deadline = true
		left = max(left, min(until.Sub(now), MaxFor))
	}
	permits, blocks := wfpBase()
	for _, f := range append(blocks, permits...) {
		if !f.boot && !has[f.key()] {
			return left, fmt.Sprintf("filter %s of %s is not there", f.name, f.layer)
		}
	}
	if !deadline {
		return left, "the filter with the deadline is not there"
	}
	return left, ""
}

// plainLine keeps names that others chose within their line.
func plainLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' && r < 0xa1 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e {
			return '?'
		}
		return r
	}, s)
}
