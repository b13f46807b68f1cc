package disk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// What a file is taken to cost, for the order of value by second: slow, so that a
// time limit is not missed on a slow machine.
const (
	secondsPerFile  = 0.002
	secondsPerBytes = 1.0 / (60 << 20)
)

// cost is what a file counts for the limits: what it occupies, where it is sparse and
// its data alone are taken.
func (o Options) cost(m *evidence.FileMeta) int64 {
	if o.sparse(m) {
		return m.Blocks * 512
	}
	return m.Size
}

// sparse says whether only the data of a file are written, with a table of where they
// belong: it is larger than the limit and most of it is holes.
func (o Options) sparse(m *evidence.FileMeta) bool {
	return m.Size > o.MaxFile && m.Blocks > 0 && m.Blocks*512 <= o.MaxFile
}

// remaining is how long may still be worked; 0 if there is no limit. What is left after
// it is for the tables.
func remaining(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	left := time.Until(end)
	return max(left-min(left/10, 5*time.Second), 1)
}

// plan decides which units are taken, and gives them in the order in which they are:
// that of the definitions, or, where a budget does not suffice, by value for each
// second, what is left over at the end. It gives the bytes that are left, too.
func (o Options) plan(f *finding, limit time.Duration) (order []*unit, left int64) {
	for _, u := range f.units {
		o.limitFile(u)
	}
	o.limitArtefacts(f)
	var bytes int64
	var seconds float64
	for _, u := range f.units {
		bytes += u.cost(o)
		seconds += u.seconds(o)
	}
	order = slices.Clone(f.units)
	if bytes <= o.MaxSize && (limit == 0 || seconds < limit.Seconds()) {
		return order, o.MaxSize - bytes
	}
	sorting.By(order, func(a, b *unit) int { return cmp.Compare(b.worth(o), a.worth(o)) })
	left = o.MaxSize
	for _, u := range order {
		cost := u.cost(o)
		if cost > left {
			u.leave(evidence.Cut("budget: of %d bytes only %d are left", o.MaxSize, left))
			continue
		}
		left -= cost
	}
	sorting.By(order, func(a, b *unit) int { return cmp.Compare(a.taken(), b.taken()) })
	return order, left
}

// limitFile leaves out what is over the limit for one file; a set loses that one alone.
func (o Options) limitFile(u *unit) {
	for _, f := range u.files {
		if f.why == nil && o.cost(f.meta) > o.MaxFile {
			f.why = evidence.Cut("limit for one file: %d bytes, over %d", f.meta.Size, o.MaxFile)
		}
	}
}

// limitArtefacts leaves out what one definition has too much of, the newest files last.
func (o Options) limitArtefacts(f *finding) {
	byFirst := map[*artefact][]*unit{}
	for _, u := range f.units {
		byFirst[u.main().first] = append(byFirst[u.main().first], u)
	}
	for _, units := range byFirst {
		var total int64
		for _, u := range units {
			total += u.cost(o)
		}
		if total <= o.MaxArtifact {
			continue
		}
		sorting.By(units, func(a, b *unit) int { return b.main().meta.Mtime.Compare(a.main().meta.Mtime) })
		left := o.MaxArtifact
		for _, u := range units {
			cost := u.cost(o)
			if cost > left {
				u.leave(evidence.Cut("limit for one artefact: %d bytes; newer files have them", o.MaxArtifact))
				continue
			}
			left -= cost
		}
	}
}

func (u *unit) leave(why error) {
	for _, f := range u.files {
		if f.why == nil {
			f.why = why
		}
	}
}

// seconds is what the unit is taken to cost.
func (u *unit) seconds(o Options) float64 {
	if u.taken() > 0 {
		return 0
	}
	return float64(len(u.files))*secondsPerFile + float64(u.cost(o))*secondsPerBytes
}

// worth is its value for each second.
func (u *unit) worth(o Options) float64 {
	if u.taken() > 0 {
		return 0
	}
	return float64(max(u.main().value, 1)) / u.seconds(o)
}

// taken is 0 if contents are taken of the unit, 1 if they are not.
func (u *unit) taken() int {
	for _, f := range u.files {
		if f.why == nil {
			return 0
		}
	}
	return 1
}
