package indicators

import (
	"regexp"
	"testing"

	"hozen/collector/memory"
)

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if seen[k.ID] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`).MatchString(k.ID) {
			t.Errorf("%s: twice, or not a word of a family", k.ID)
		}
		seen[k.ID] = true
		if !regexp.MustCompile(`^T\d{4}(\.\d{3})?$`).MatchString(k.Technique) || k.Level < memory.Low || k.Level > memory.High || k.Doc == "" {
			t.Errorf("%s: %+v", k.ID, k)
		}
	}
}
