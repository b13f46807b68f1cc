package export

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"hozen/packager"
)

// ofPeople exports a custody record without contents.
func ofPeople(t *testing.T, r *packager.Report) map[string]jsonNode {
	t.Helper()
	var out bytes.Buffer
	e, err := New(Case, &out, About{Archive: "a.tar.zst", SHA256: strings.Repeat("0f", 32), Report: r})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Close(); err != nil {
		t.Fatal(err)
	}
	v, all := ontology(t), nodes(t, out.String())
	for _, n := range all {
		v.conforms(t, n, all)
	}
	return all
}

// named gives the nodes that a node names by a property, by their names or, without one,
// their classes.
func named(all map[string]jsonNode, n jsonNode, property string) (names []string) {
	list, ok := n[property].([]any)
	if !ok {
		list = []any{n[property]}
	}
	for _, one := range list {
		if o, ok := one.(jsonNode); ok {
			to := all[o["@id"].(string)]
			name, ok := to["uco-core:name"].(string)
			if !ok {
				name, _ = to["@type"].(string)
			}
			names = append(names, name)
		}
	}
	return names
}

func handedOver() *packager.Report {
	at := func(s string) packager.EventTime { return packager.EventTime{Wall: "2026-11-21T" + s + "Z"} }
	whole := packager.EventObject{Name: "a.tar.zst", Bytes: 9, SHA256: strings.Repeat("0f", 32)}
	bag := func(no string) *packager.EventThing { return &packager.EventThing{SealNo: no, PowerState: "off"} }
	return &packager.Report{
		Collection: "c", Verdict: packager.Valid, Bytes: 9,
		CoSignatures: []packager.CoSignature{{Principal: "operator:sato", Trusted: true}},
		Genesis: &packager.Genesis{Case: "7", Evidence: "3", Device: "pc", Tool: "hozen/1", Operator: "sato", Place: "Osaka", Require: []string{"operator"}, Recipients: []string{"age1x"},
			Host: packager.HostID{Name: "pc"}, Time: packager.Stamp{Wall: "2026-11-21T09:00:00Z"}},
		Seal: &packager.Seal{Time: packager.Stamp{Wall: "2026-11-21T09:10:00Z"}},
		Job:  &packager.AskedBy{Job: "j-1", Operator: "mori", Approvals: []string{"ueda"}, Authority: "order 5"},
		Events: []packager.Event{
			{Seq: 1, Event: "started", Actor: "device:pc", Operator: "sato", Time: at("09:00:00"), Object: packager.EventObject{Name: "a.tar.zst"}},
			{Seq: 2, Event: "sealed", Actor: "device:pc", Time: at("09:10:00"), Object: whole},
			{Seq: 3, Event: "released", Actor: "operator:sato", Counterpart: "lab:acme", Thing: bag("A-1"), Authority: "consent", Time: at("10:00:00"), Object: whole},
			{Seq: 4, Event: "received", Actor: "lab:acme", Counterpart: "operator:sato", Thing: bag("A-2"), Time: at("11:00:00"), Object: whole},
			{Seq: 5, Event: "stored", Actor: "lab:acme", Counterpart: "Yamato", Time: at("12:00:00"), Object: whole},
		},
	}
}

// Who gives, gets and signs is one node; what an event says of a seal or of a right stays
// with that event; what it changed nothing of is not its result.
func TestCaseHandOver(t *testing.T) {
	all := ofPeople(t, handedOver())
	byName, count := map[string]jsonNode{}, map[string]int{}
	for _, n := range all {
		name, _ := n["uco-core:name"].(string)
		byName[name] = n
		count[name]++
		if class, _ := n["@type"].(string); strings.HasSuffix(class, "Facet") && len(n) == 2 || class == "uco-observable:Device" && name == "" {
			t.Errorf("it says nothing: %v", n)
		}
	}
	for name, class := range map[string]string{"operator:sato": "Person", "lab:acme": "Identity", "Yamato": "Identity", "device:pc": "Identity"} {
		if count[name] != 1 || byName[name]["@type"] != "uco-identity:"+class {
			t.Errorf("%s stands there %d times, as %v", name, count[name], byName[name]["@type"])
		}
	}
	if count["sato"] != 0 {
		t.Error("the operator who signed the seal is two people")
	}
	for event, want := range map[string]struct{ performer, participants, objects, results string }{
		"started":    {"operator:sato", "device:pc", "pc", "uco-observable:File case-investigation:ProvenanceRecord"},
		"sealed":     {"device:pc", "", "pc", "uco-observable:File case-investigation:ProvenanceRecord"},
		"released":   {"operator:sato", "lab:acme", "uco-observable:File", "case-investigation:ProvenanceRecord"},
		"received":   {"lab:acme", "operator:sato", "uco-observable:File", "case-investigation:ProvenanceRecord"},
		"stored":     {"lab:acme", "Yamato", "uco-observable:File", "case-investigation:ProvenanceRecord"},
		"collection": {"operator:sato", "device:pc", "pc", "uco-observable:File case-investigation:ProvenanceRecord"},
	} {
		n := byName[event]
		for property, want := range map[string]string{"performer": want.performer, "participant": want.participants, "object": want.objects, "result": want.results} {
			if got := strings.Join(named(all, n, "uco-action:"+property), " "); got != want {
				t.Errorf("%s: %s is %q, want %q", event, property, got, want)
			}
		}
	}
	for event, want := range map[string]string{"released": "number of the seal: A-1", "received": "number of the seal: A-2", "collection": "encrypted to: age1x"} {
		if d, _ := byName[event]["uco-core:description"].([]any); !slices.Contains(d, any(want)) {
			t.Errorf("%s: %v has no %s", event, d, want)
		}
	}
}

// The collection is one action from its beginning to its end, of parts; each right is said
// of what was done by it.
func TestCaseCollection(t *testing.T) {
	r := handedOver()
	all := ofPeople(t, r)
	rights := map[string]string{}
	for _, n := range all {
		if n["uco-core:kindOfRelationship"] == "Authorized_By" {
			to := all[n["uco-core:target"].(jsonNode)["@id"].(string)]
			rights[named(all, n, "uco-core:source")[0]] = to["case-investigation:authorizationIdentifier"].(string)
		}
		if n["uco-core:name"] != "collection" {
			continue
		}
		for property, want := range map[string]string{"startTime": "2026-11-21T09:00:00Z", "endTime": "2026-11-21T09:10:00Z"} {
			if got := n["uco-action:"+property].(jsonNode)["@value"]; got != want {
				t.Errorf("%s: %v, want %s", property, got, want)
			}
		}
		if got := named(all, n, "uco-action:subaction"); !slices.Equal(got, []string{"started", "sealed"}) {
			t.Errorf("its parts are %v", got)
		}
	}
	if len(rights) != 2 || rights["released"] != "consent" || rights["collection"] != "order 5" {
		t.Errorf("rights: %v", rights)
	}
	r.Events = nil
	for _, n := range ofPeople(t, r) {
		if n["@type"] == "case-investigation:Investigation" && (n["uco-core:startTime"] == nil || n["uco-core:endTime"] == nil) {
			t.Error("without a log the investigation has no time")
		}
	}
}
