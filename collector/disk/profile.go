package disk

import (
	"hozen/collector/disk/artifact"
	"hozen/collector/disk/definitions"
)

// ForProfile gives the tiers of a profile (collector.Profiles): what our own definitions
// have for triage and standard (definitions.Profile), and for full what they have for
// full, too, of every system that the set has them for. Those of other systems than the
// host's cost a row each.
func ForProfile(set *artifact.Set, profile string) (tiers []Tier) {
	levels := []struct {
		profile string
		value   int
	}{{definitions.Triage, valueTriage}, {definitions.Standard, valueStandard}, {definitions.Full, valueFull}}
	if profile != definitions.Full {
		levels = levels[:2]
	}
	for _, level := range levels {
		t := Tier{Value: level.value}
		for _, system := range []artifact.System{artifact.Linux, artifact.Windows, artifact.Darwin} {
			if name := definitions.Profile(string(system), level.profile); set.Get(name) != nil {
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
