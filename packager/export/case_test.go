package export

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vocabulary is what testdata/terms.tsv says of the ontology.
type vocabulary struct {
	above map[string][]string          // classes above a class
	rng   map[string]string            // range of a property
	shape map[string]map[string][2]int // how many values a class takes of a property; -1 is no limit

	prefixes, values map[string]string // IRI of a prefix; the words that a property takes
}

func ontology(t *testing.T) vocabulary {
	t.Helper()
	b, err := os.ReadFile("testdata/terms.tsv")
	if err != nil {
		t.Fatal(err)
	}
	v := vocabulary{map[string][]string{}, map[string]string{}, map[string]map[string][2]int{}, map[string]string{}, map[string]string{}}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		switch f[0] {
		case "prefix":
			v.prefixes[f[1]] = f[2]
		case "values":
			v.values[f[1]] = f[2]
		case "class":
			v.above[f[1]] = append(strings.Fields(f[2]), f[1])
		case "property":
			v.rng[f[1]] = f[2]
		case "shape":
			if v.shape[f[1]] == nil {
				v.shape[f[1]] = map[string][2]int{}
			}
			least, err := strconv.Atoi(f[3])
			most, err2 := strconv.Atoi(f[4])
			if err != nil || err2 != nil && f[4] != "*" {
				t.Fatalf("%q", line)
			}
			if f[4] == "*" {
				most = -1
			}
			v.shape[f[1]][f[2]] = [2]int{least, most}
		}
	}
	return v
}

type jsonNode = map[string]any

// nodes gives all nodes of a document by their ids, also those within others.
func nodes(t *testing.T, text string) map[string]jsonNode {
	t.Helper()
	var doc struct {
		Context map[string]string `json:"@context"`
		Graph   []jsonNode        `json:"@graph"`
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if want := ontology(t).prefixes; !maps.Equal(doc.Context, want) {
		t.Errorf("the context is %v, want %v", doc.Context, want)
	}
	all := map[string]jsonNode{}
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				visit(one)
			}
		case jsonNode:
			if id, ok := v["@id"].(string); ok && v["@type"] != nil {
				if old := all[id]; old != nil && (old["uco-core:definingContext"] == nil && old["uco-types:hashMethod"] == nil) {
					t.Errorf("%s is written twice", id)
				}
				all[id] = v
			}
			for name, one := range v {
				if prefix, _, ok := strings.Cut(name, ":"); ok && doc.Context[prefix] == "" {
					t.Errorf("%s: its prefix is not in the context", name)
				}
				visit(one)
			}
		}
	}
	for _, n := range doc.Graph {
		visit(n)
	}
	return all
}

// conforms holds a node against the ontology.
func (v vocabulary) conforms(t *testing.T, n jsonNode, all map[string]jsonNode) {
	class, _ := n["@type"].(string)
	if v.above[class] == nil {
		t.Errorf("class %q is not in the ontology", class)
		return
	}
	if !regexp.MustCompile(`^kb:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(n["@id"].(string)) {
		t.Errorf("id %v", n["@id"])
	}
	for name, value := range n {
		if name[0] == '@' {
			continue
		}
		bounds, known := v.shape[class][name]
		values, list := value.([]any)
		if !list {
			values = []any{value}
		}
		if !known || bounds[1] >= 0 && len(values) > bounds[1] {
			t.Errorf("%s has %d of %s", class, len(values), name)
		}
		for _, one := range values {
			v.value(t, name, one, all)
		}
	}
	for name, bounds := range v.shape[class] {
		if bounds[0] > 0 && n[name] == nil {
			t.Errorf("%s has no %s", class, name)
		}
	}
}

// value holds a value against the range of its property.
func (v vocabulary) value(t *testing.T, property string, value any, all map[string]jsonNode) {
	want := v.rng[property]
	o, _ := value.(jsonNode)
	switch {
	case want == "":
		t.Errorf("property %q is not in the ontology", property)
	case want == "xsd:string":
		s, ok := value.(string)
		if words := v.values[property]; !ok || words != "" && !slices.Contains(strings.Fields(words), s) {
			t.Errorf("%s: %v is no string, or none of %q", property, value, words)
		}
	case want == "xsd:boolean":
		if _, ok := value.(bool); !ok {
			t.Errorf("%s: %v is no boolean", property, value)
		}
	case strings.HasPrefix(want, "xsd:"):
		s, _ := o["@value"].(string)
		var err error
		switch want {
		case "xsd:dateTime":
			_, err = time.Parse(time.RFC3339Nano, s)
		case "xsd:integer":
			_, err = strconv.ParseInt(s, 10, 64)
		case "xsd:hexBinary":
			_, err = hex.DecodeString(s)
		}
		if o["@type"] != want || err != nil {
			t.Errorf("%s: %v is no %s: %v", property, value, want, err)
		}
	default:
		id, _ := o["@id"].(string)
		class, _ := all[id]["@type"].(string)
		if !slices.Contains(v.above[class], want) {
			t.Errorf("%s: %q is a %q, want a %s", property, id, class, want)
		}
	}
}

func TestCase(t *testing.T) {
	name, o := archive(t, true)
	text, s := exportOf(t, Case, name, o)
	v, all := ontology(t), nodes(t, text)
	count := map[string]int{}
	for _, n := range all {
		v.conforms(t, n, all)
		count[n["@type"].(string)]++
	}
	for class := range v.above {
		if count[class] == 0 {
			t.Errorf("the test's archive has no %s", class)
		}
	}
	for _, bad := range []string{"\u202e", "\\u202e", "\\u001b", "\u009b", "\\u009b", "<script>"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q came through", bad)
		}
	}
	for _, w := range []string{"Osaka", "e-1", `\\x0afake`, "consent a|b", `"released"`, `"received"`, "clock ntp 192.0.2.1: offset -12 ms", "path in base64: ", "verdict: UNTRUSTED-SIGNER", Lost(Case)[0]} {
		if !strings.Contains(text, w) {
			t.Errorf("no %s", w)
		}
	}
	if count["case-investigation:InvestigativeAction"] != count["case-investigation:ProvenanceRecord"] || s.Items != 7 || s.Written == 0 {
		t.Errorf("%v, %+v", count, s)
	}
	// received came after released, and answers the first event.
	for _, n := range all {
		if n["uco-core:name"] == "received" {
			if by := n["case-investigation:wasInformedBy"].([]any); len(by) != 2 {
				t.Errorf("received is informed by %v", by)
			}
			person := all[n["uco-action:performer"].(jsonNode)["@id"].(string)]
			if person["uco-core:name"] != "C. Abe" {
				t.Errorf("performed by %v", person)
			}
		}
	}
}

// Without a log the archive's own words stand for it.
func TestCaseWithoutLog(t *testing.T) {
	name, o := archive(t, true)
	o.Log = nil
	text, _ := exportOf(t, Case, name, o)
	v, all := ontology(t), nodes(t, text)
	actions := 0
	for _, n := range all {
		v.conforms(t, n, all)
		if n["@type"] == "case-investigation:InvestigativeAction" {
			actions++
		}
	}
	if actions != 1 {
		t.Errorf("%d actions", actions)
	}
}
