package packager

import (
	"regexp"
	"slices"
	"strings"
)

// An EventKind is a word for what happens to an archive, and what must be said with it.
type EventKind struct {
	Name string
	// Needs are the fields that must not be empty: those of Event by their JSON names,
	// "detail NAME" for a detail.
	Needs []string
	Means string
}

// EventKinds are the events of people, in the order of an archive's life: FORMAT.md
// section 9 has the same table. The agent's own events are not in it.
func EventKinds() []EventKind {
	return []EventKind{
		{"described", nil, "somebody says what he knows: who he is, what happened, fields of the form"},
		{"discovered", []string{"reason", "detail at"}, "somebody noticed that something is wrong"},
		{"reported", []string{"counterpart", "detail at"}, "it was reported to counterpart"},
		{"stored", []string{"place"}, "it lies in a place"},
		{"released", []string{"counterpart", "reason", "detail how"}, "given out of hand, to counterpart"},
		{"received", []string{"counterpart", "verdict", "detail seal"}, "taken over from counterpart; object is what was hashed then, ref the release"},
		{"checked_out", []string{"reason"}, "taken out of its store, to be brought back"},
		{"checked_in", []string{"place", "ref"}, "brought back; ref is the checking out"},
		{"opened", []string{"reason"}, "its contents were read"},
		{"verified", []string{"verdict"}, "checked; object is what was hashed then"},
		{"copied", []string{"place", "reason", "detail copy"}, "a copy was made, master or working, that lies in place"},
		{"exported", []string{"reason", "detail what"}, "part of its contents was taken out"},
		{"reencrypted", []string{"before", "reason"}, "encrypted anew: before is the file that was, object that which is now"},
		{"renewed", []string{"reason"}, "signatures or time stamps were renewed before they grow weak"},
		{"countersigned", nil, "somebody signs for the seal"},
		{"timestamped", nil, "a time stamp for a hash of the archive or of its log"},
		{"corrected", []string{"reason", "ref"}, "ref was wrong; this is right. Nothing is removed"},
		{"disputed", []string{"reason", "ref"}, "somebody contests ref"},
		{"destroyed", []string{"reason", "authority", "detail how"}, "it is no more (with a detail copy: that copy)"},
	}
}

// PrincipalKinds are what a signer of an event can be, the part before the colon of
// Event.Actor.
func PrincipalKinds() []string {
	return []string{"device", "operator", "witness", "approver", "carrier", "lab", "custodian", "hub"}
}

// ValidPrincipal says whether s names who can sign events: "operator:sato", "lab:acme".
func ValidPrincipal(s string) bool {
	kind, name, _ := strings.Cut(s, ":")
	return slices.Contains(PrincipalKinds(), kind) && regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`).MatchString(name)
}

// kindOf finds the kind of an event of people.
func kindOf(name string) (EventKind, bool) {
	for _, k := range EventKinds() {
		if k.Name == name {
			return k, true
		}
	}
	return EventKind{}, false
}

// Missing gives the needed fields that an event of people does not have.
func (e *Event) Missing() (missing []string) {
	k, _ := kindOf(e.Event)
	for _, need := range k.Needs {
		if !e.has(need) {
			missing = append(missing, need)
		}
	}
	return missing
}

func (e *Event) has(need string) bool {
	name, ok := strings.CutPrefix(need, "detail ")
	if ok {
		return e.Fact(name) != "" || e.Fact(name+"_sha256") != ""
	}
	return map[string]bool{
		"place": e.Place != "", "reason": e.Reason != "", "authority": e.Authority != "", "counterpart": e.Counterpart != "",
		"verdict": e.Verdict != "", "ref": len(e.Ref) > 0, "before": e.Before != nil,
	}[need]
}
