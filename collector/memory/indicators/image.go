package indicators

import (
	"strings"

	"hozen/collector/memory"
	"hozen/collector/proc"
)

func imageKinds() []Kind {
	return []Kind{
		{ID: "image-deleted", Technique: "T1070.004", Level: memory.Medium,
			Doc:    "the file of a running image has no name any more",
			Benign: []string{"a package upgrade replaced the file while it ran", "an installer or test that removes itself"}},
	}
}

// checkImage looks at what the process runs.
func checkImage(_ *survey, p *process) {
	if p.exe == "" {
		return
	}
	if name, ok := strings.CutSuffix(p.exe, proc.DeletedMark); ok {
		p.report(finding{id: "image-deleted", seen: "runs " + name + ", a file that has no name any more"})
	}
}
