package onwindows

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
)

func hiddenKinds() []indicators.Kind {
	return []indicators.Kind{
		{ID: "hidden-process", Technique: "T1014", Level: memory.High,
			Doc: "a process that some views of the kernel show and its list of processes does not, at both of two looks"},
	}
}

// checkHidden compares the list of processes with what other views know.
func checkHidden(s *survey) {
	by := map[uint32][]string{}
	for _, view := range slices.Sorted(maps.Keys(s.pids)) {
		for _, pid := range s.pids[view] {
			if _, ok := s.process(pid); !ok {
				by[pid] = append(by[pid], view)
			}
		}
	}
	for _, pid := range slices.Sorted(maps.Keys(by)) {
		f := finding{id: "hidden-process", object: fmt.Sprintf("process %d", pid), evidence: []string{s.listMember()},
			seen:  fmt.Sprintf("process %d is not in the list of processes, and is known to: %s", pid, strings.Join(by[pid], ", ")),
			views: []memory.View{{Source: "SystemProcessInformation", Says: "not there"}}}
		for _, v := range by[pid] {
			f.views = append(f.views, memory.View{Source: v, Says: jsonl.Text(fmt.Sprint(pid))})
		}
		s.report(f)
	}
}
