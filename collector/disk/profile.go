package disk

import (
	"hozen/collector/disk/artifact"
)

// ForProfile gives the tiers of a profile (collector.Profiles): the groups of our own
// definitions named Hozen<System>Triage and Hozen<System>Standard for standard, and
// Hozen<System>Full too for full, of every system that the set has them for. Those of
// other systems than the host's cost a row each.
func ForProfile(set *artifact.Set, profile string) (tiers []Tier) {
	levels := []Tier{{[]string{"Triage"}, valueTriage}, {[]string{"Standard"}, valueStandard}, {[]string{"Full"}, valueFull}}
	if profile != "full" {
		levels = levels[:2]
	}
	for _, level := range levels {
		t := Tier{Value: level.Value}
		for _, system := range []string{"Linux", "Windows", "MacOS"} {
			if name := "Hozen" + system + level.Artifacts[0]; set.Get(name) != nil {
				t.Artifacts = append(t.Artifacts, name)
			}
		}
		tiers = append(tiers, t)
	}
	return tiers
}

// What a file of a tier is worth: of triage as much as many of standard.
const (
	valueTriage, valueStandard, valueFull = 100, 10, 1
)

// Named gives one tier of the definitions that the responder named, in the order of
// their names on the command line; the names must be in the set.
func Named(names []string) []Tier { return []Tier{{Artifacts: names, Value: valueTriage}} }
