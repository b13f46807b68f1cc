package ram

import (
	"encoding/binary"

	"hozen/collector"
)

const pageFlagsName = "/proc/kpageflags"

// A pageFlags reads /proc/kpageflags: eight bytes of flags for each page frame, in
// the host's byte order (Documentation/admin-guide/mm/pagemap.rst).
type pageFlags struct {
	dev  device // nil: it could not be opened
	page uint64
	buf  []byte
}

func openPageFlags(h *collector.Host, open opener, page uint64) *pageFlags {
	dev, err := open(h, pageFlagsName)
	if err != nil {
		return &pageFlags{} // the map says that they were not looked at
	}
	return &pageFlags{dev: dev, page: page}
}

func (p *pageFlags) close() {
	if p.dev != nil {
		p.dev.Close()
	}
}

// The flags of frames that must not be read, or have nothing to be read. The
// kernel gives zeros for them in /proc/kcore without a word (fs/proc/kcore.c,
// read_kcore_iter); by /dev/mem a poisoned page may stop the machine.
const (
	flagPoison  = 1 << 19 // KPF_HWPOISON
	flagNoPage  = 1 << 20 // KPF_NOPAGE
	flagOffline = 1 << 23 // KPF_OFFLINE (KPF_BALLOON before Linux 5.1)
)

func whyBad(flags uint64) string {
	switch {
	case flags&flagNoPage != 0: // alone: the others are not known then
		return "no page frame there"
	case flags&flagPoison != 0:
		return "hwpoison: the hardware reported its contents as corrupt"
	case flags&flagOffline != 0:
		return "offline: given back to the hypervisor, or not in use"
	}
	return ""
}

// bad calls found for each run of pages in s that must not be read.
func (p *pageFlags) bad(s span, found func(s span, why string)) {
	if p.dev == nil {
		return
	}
	first, last := s.start/p.page, (s.end-1)/p.page
	if need := int(last-first+1) * 8; cap(p.buf) < need {
		p.buf = make([]byte, need)
	}
	buf := p.buf[:(last-first+1)*8]
	n, _ := p.dev.ReadAt(buf, int64(first*8)) // beyond the last frame there is nothing
	run, why := span{}, ""
	for i := 0; i+8 <= n; i += 8 {
		w := whyBad(binary.NativeEndian.Uint64(buf[i:]))
		at := max((first+uint64(i/8))*p.page, s.start)
		if w != why {
			if why != "" {
				found(span{run.start, at}, why)
			}
			run.start, why = at, w
		}
	}
	if why != "" {
		found(span{run.start, min((first+uint64(n/8))*p.page, s.end)}, why)
	}
}
