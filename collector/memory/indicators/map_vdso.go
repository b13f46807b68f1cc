package indicators

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
)

// Bounds of what is kept of vdsos.
const (
	vdsoBytes    = 64 << 10 // of one; today's have 4 to 16 KiB
	vdsoVersions = 32       // different ones that are kept; of more, the hash
	vdsoHolders  = 64       // processes that are named, of one version
)

// A vdsoTable holds the vdso of every process, each version once. The kernel has
// one for each kind of program (64-bit, 32-bit, x32), and all processes of that
// kind share its pages.
type vdsoTable struct {
	mu       sync.Mutex
	versions []*vdsoVersion
}

// A vdsoVersion is one content, and who has it.
type vdsoVersion struct {
	sum     [sha256.Size]byte
	class   string
	data    []byte // nil beyond the bound
	holders []vdsoHolder
	count   int    // holders, with those beyond the bound
	written int    // of them have pages of their own
	member  string // where it is kept as the reference
}

// A vdsoHolder is a process, and where it has its vdso.
type vdsoHolder struct {
	memory.Subject
	start, end uint64
	written    bool // a page is the process's own: it was written to
}

// noteVDSO reads the process's vdso.
func (l *mapLook) noteVDSO() {
	for i := range l.p.maps {
		m := &l.p.maps[i]
		if m.Path != "[vdso]" || m.Inode != 0 || m.End-m.Start > vdsoBytes {
			continue
		}
		h := vdsoHolder{Subject: *l.p.subject(), start: m.Start, end: m.End}
		there := false
		l.pages.each(m.Start, m.End, func(_ uint64, states []proc.PageState) bool {
			for _, s := range states {
				there = there || s.Present()
				h.written = h.written || (s.Present() || s.Swapped()) && !s.Shared()
			}
			return true
		})
		if !there && !h.written {
			continue // never touched: what it would get is the kernel's
		}
		// Its other pages are in the kernel's memory at any time: reading waits for nothing.
		b := make([]byte, m.End-m.Start)
		if n, err := l.pages.mem.ReadAt(b, m.Start); n < len(b) {
			l.pages.failed(err)
			continue
		}
		l.s.maps.vdso.add(h, b)
	}
}

// add notes who has which vdso.
func (t *vdsoTable) add(h vdsoHolder, b []byte) {
	sum := sha256.Sum256(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.versions, func(v *vdsoVersion) bool { return v.sum == sum })
	if i < 0 {
		if len(t.versions) >= 1<<12 {
			return
		}
		i = len(t.versions)
		v := &vdsoVersion{sum: sum, class: vdsoClass(b)}
		if i < vdsoVersions {
			v.data = b
		}
		t.versions = append(t.versions, v)
	}
	v := t.versions[i]
	if slices.ContainsFunc(v.holders, func(o vdsoHolder) bool { return o.PID == h.PID && o.StartTicks == h.StartTicks }) {
		return // looked at again, for it changed
	}
	v.count++
	if h.written {
		v.written++
	}
	if len(v.holders) < vdsoHolders || h.written && len(v.holders) < 4*vdsoHolders {
		v.holders = append(v.holders, h)
	}
}

// vdsoClass is the kind of program that a vdso is for: the class and machine of
// its ELF header.
func vdsoClass(b []byte) string {
	if len(b) < 20 || !bytes.HasPrefix(b, []byte(elfMagic)) {
		return ""
	}
	return fmt.Sprintf("class %d machine %d", b[4], int(b[18])|int(b[19])<<8)
}

// checkVDSO compares the vdsos of all processes. The reference of a class is what
// most processes have from the kernel, unwritten.
func checkVDSO(s *survey) {
	t := &s.maps.vdso
	t.mu.Lock()
	defer t.mu.Unlock()
	references := map[string]*vdsoVersion{}
	for _, v := range t.versions {
		best := references[v.class]
		if v.class != "" && v.data != nil && (best == nil || cmp.Compare(v.count-v.written, best.count-best.written) > 0) {
			references[v.class] = v
		}
	}
	for _, v := range t.versions {
		for i := range v.holders {
			if h := &v.holders[i]; h.written || references[v.class] != v {
				s.reportVDSO(v, h, references[v.class])
			}
		}
	}
}

// reportVDSO reports one process whose vdso differs, or is its own.
func (s *survey) reportVDSO(v *vdsoVersion, h *vdsoHolder, reference *vdsoVersion) {
	f := finding{id: "map-vdso-patched", subject: &h.Subject, evidence: s.prove(h.PID), regions: []memory.Region{{Start: h.start, End: h.end, Why: "map-vdso-patched"}}}
	where := fmt.Sprintf("[vdso] %s", span(h.start, h.end))
	how := "the kernel's own pages hold other bytes"
	if h.written {
		how = "it was written to"
	}
	base := fmt.Sprintf("vdso-%d-%d.bin", h.PID, h.StartTicks)
	if v.data != nil {
		f.evidence = append(f.evidence, s.putBytes(base, fmt.Sprintf("/proc/%d/mem at %#x", h.PID, h.start), v.data, nil))
	}
	switch {
	case reference == v || reference == nil && v.class != "":
		f.seen = where + ": " + how + ", and holds the bytes of the others'"
		f.explained = "the bytes are those that every process has: a breakpoint that is gone, or a write of the same"
		if reference == v && v.count == v.written || reference == nil {
			f.explained, f.level = "", memory.Medium
			f.seen = where + ": " + how + "; no other process has one to compare with"
		}
	case reference == nil:
		f.seen = where + ": " + how + ", and no ELF header begins it"
	default:
		other := reference.holders[0]
		f.seen = fmt.Sprintf("%s: %s: it differs from that of %d other processes", where, how, reference.count)
		if v.data != nil {
			d := difference(v.data, reference.data)
			for i, at := range d {
				if i == mapPlaces {
					f.seen += "; …"
					break
				}
				to := min(at.to, at.from+16)
				f.seen += fmt.Sprintf("; +%#x %d bytes: theirs %x, here %x", at.from, at.to-at.from, reference.data[at.from:min(to, len(reference.data))], v.data[at.from:to])
			}
		}
		f.views = []memory.View{
			{Source: fmt.Sprintf("/proc/%d/mem [vdso]", h.PID), Says: jsonl.Text(fmt.Sprintf("SHA-256 %x", v.sum))},
			{Source: fmt.Sprintf("/proc/%d/mem [vdso]", other.PID), Says: jsonl.Text(fmt.Sprintf("SHA-256 %x", reference.sum))}}
		if reference.member == "" {
			reference.member = s.putBytes(fmt.Sprintf("vdso-reference-%d.bin", other.PID), fmt.Sprintf("/proc/%d/mem at %#x", other.PID, other.start), reference.data, nil)
		}
		f.evidence = append(f.evidence, reference.member)
	}
	s.report(f)
}
