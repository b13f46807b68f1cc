package onwindows

import (
	"fmt"
	"strings"

	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
)

func handleKinds() []indicators.Kind {
	return []indicators.Kind{
		{ID: "handle-lsass", Technique: "T1003.001", Level: memory.High,
			Doc:    "a process may read the memory of lsass, which holds the keys of who is logged on",
			Benign: []string{"security software; Windows Error Reporting while lsass fails; Task Manager that makes a dump"}},
	}
}

// A held is a handle to a process that another one has.
type held struct {
	holder, target uint32
	value          uint64
	access         uint32
}

// The right to read memory (winnt.h).
const processVMRead = 0x10

// heldMember puts the list of handles to processes, once.
func (s *survey) heldMember() string {
	const name = "process-handles.txt"
	if !s.putHeld {
		s.putHeld = true
		var b strings.Builder
		for _, h := range s.held {
			fmt.Fprintf(&b, "%d holds %#x access %#x to %d\n", h.holder, h.value, h.access, h.target)
		}
		s.put(name, "NtQuerySystemInformation: SystemExtendedHandleInformation", []byte(b.String()), nil)
	}
	return "memory/indicators/host/" + name
}

// listMember puts the answer that the list of processes is from, once.
func (s *survey) listMember() string {
	const name = "processes.bin"
	if !s.putList {
		s.putList = true
		s.put(name, "NtQuerySystemInformation: SystemExtendedProcessInformation", s.raw, nil)
	}
	return "memory/indicators/host/" + name
}

// checkHandles looks for who may read the memory of lsass.
func checkHandles(s *survey) {
	said := map[[2]uint32]bool{}
	for _, h := range s.held {
		target, holder := s.seen[h.target], s.seen[h.holder]
		if target == nil || holder == nil || h.holder == h.target || h.access&processVMRead == 0 || !strings.EqualFold(target.info.Name, "lsass.exe") || said[[2]uint32{h.holder, h.target}] {
			continue
		}
		said[[2]uint32{h.holder, h.target}] = true
		f := finding{id: "handle-lsass", subject: holder.subject(), evidence: []string{s.heldMember()},
			seen: fmt.Sprintf("holds a handle (%#x, rights %#x) by which the memory of %d (%s) can be read", h.value, h.access, h.target, clipped(target.path))}
		switch {
		case s.isSystem(holder):
			f.explained = "a program of the system that runs as SYSTEM, and is the file of that name"
		case holder.unreadable:
			f.level = memory.Low
			f.seen += "; who that is could not be looked at"
		}
		if f.explained == "" {
			f.views = s.signatureViews(holder.path)
		}
		s.report(f)
	}
}
