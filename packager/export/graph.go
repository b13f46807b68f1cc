package export

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
)

// A node is an object of JSON-LD. Its members are written sorted by their names.
type node map[string]any

// graph writes a document of JSON-LD node by node.
type graph struct {
	w          *bufio.Writer
	collection string
	told       map[string]bool // by @id: nodes that several others name are written once
	n          int64
	err        error
}

// terms are the names of the document; kb: is what is in it.
func terms() node {
	const uco = "https://ontology.unifiedcyberontology.org/uco/"
	return node{
		"kb": "urn:uuid:", "xsd": "http://www.w3.org/2001/XMLSchema#",
		"case-investigation": "https://ontology.caseontology.org/case/investigation/",
		"uco-action":         uco + "action/", "uco-core": uco + "core/", "uco-identity": uco + "identity/", "uco-location": uco + "location/",
		"uco-observable": uco + "observable/", "uco-role": uco + "role/", "uco-tool": uco + "tool/", "uco-types": uco + "types/",
	}
}

func newGraph(w *bufio.Writer, collection string) *graph {
	g := &graph{w: w, collection: collection, told: map[string]bool{}}
	head, err := json.Marshal(terms())
	if err != nil {
		g.err = err
	}
	g.write("{\"@context\":" + string(head) + ",\n\"@graph\":[")
	return g
}

func (g *graph) write(s string) {
	if g.err == nil {
		_, g.err = g.w.WriteString(s)
	}
}

// id names a thing for ever: a UUID of version 5 (RFC 9562 section 5.5) over the
// collection, what kind of thing it is, and its name among those.
func (g *graph) id(kind string, name ...string) string {
	const urls = "\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8" // RFC 9562, 6.6: of URLs
	h := sha1.New()
	h.Write([]byte(urls))
	for _, s := range append([]string{"hozen/export/1", g.collection, kind}, name...) {
		h.Write([]byte(strconv.Itoa(len(s)) + ":" + s))
	}
	b := h.Sum(nil)[:16]
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	t := hex.EncodeToString(b)
	return "kb:" + strings.Join([]string{t[:8], t[8:12], t[12:16], t[16:20], t[20:]}, "-")
}

// add writes a node and gives its id. Members that say nothing are left out.
func (g *graph) add(id, class string, members node) string {
	n := node{"@id": id, "@type": class}
	for name, v := range members {
		if !nothing(v) {
			n[name] = v
		}
	}
	b, err := json.Marshal(n)
	if err != nil && g.err == nil {
		g.err = err
	}
	if g.n++; g.n > 1 {
		g.write(",")
	}
	g.write("\n" + string(inert(b)))
	return id
}

// once is add for what several nodes name.
func (g *graph) once(id, class string, members func() node) string {
	if !g.told[id] {
		g.told[id] = true
		g.add(id, class, members())
	}
	return id
}

func (g *graph) end() error {
	g.write("\n]}\n")
	if g.err == nil {
		g.err = g.w.Flush()
	}
	return g.err
}

func nothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	case []any:
		return len(v) == 0
	case node:
		return len(v) == 0
	}
	return false
}

// ref names a node; nil if there is none.
// Not inlined, for the size of the program.
//
//go:noinline
func ref(id string) any {
	if id == "" {
		return nil
	}
	return node{"@id": id}
}

// Not inlined, for the size of the program.
//
//go:noinline
func refs(ids []string) (all []any) {
	for _, id := range ids {
		if id != "" {
			all = append(all, ref(id))
		}
	}
	return all
}

// typed gives a literal with its type of XML Schema; nil for an empty one.
func typed(kind, value string) any {
	if value == "" {
		return nil
	}
	return node{"@type": "xsd:" + kind, "@value": value}
}

func integer(n int64) any { return typed("integer", strconv.FormatInt(n, 10)) }

// facet is a part of an observable, with an id of its own.
func (g *graph) facet(of, class string, members node) node {
	n := node{"@id": g.id("facet", of, class), "@type": class}
	for name, v := range members {
		if !nothing(v) {
			n[name] = v
		}
	}
	return n
}

// facets leaves out those that say nothing.
func facets(all ...node) (kept []any) {
	for _, f := range all {
		if len(f) > 2 { // more than its id and its class
			kept = append(kept, f)
		}
	}
	return kept
}

// hash gives a hash; method is as UCO's HashNameVocab spells it, value is hex.
func (g *graph) hash(of, method, value string) any {
	if b, err := hex.DecodeString(value); err != nil || len(b) == 0 {
		return nil
	}
	return node{
		"@id": g.id("hash", of, method), "@type": "uco-types:Hash",
		"uco-types:hashMethod": method, "uco-types:hashValue": typed("hexBinary", value),
	}
}

// file gives the members of a file. size is in bytes; below 0: not known.
func (g *graph) file(id, name, path string, size int64, hashes ...any) node {
	var known []any
	for _, h := range hashes {
		if h != nil {
			known = append(known, h)
		}
	}
	facet := node{"uco-observable:fileName": safe(name), "uco-observable:filePath": safe(path)}
	content := node{"uco-observable:hash": known}
	if size >= 0 {
		facet["uco-observable:sizeInBytes"], content["uco-observable:sizeInBytes"] = integer(size), integer(size)
	}
	return node{"uco-core:hasFacet": facets(g.facet(id, "uco-observable:FileFacet", facet), g.facet(id, "uco-observable:ContentDataFacet", content))}
}

// relate writes a relationship from one node to another.
func (g *graph) relate(from, kind, to string) {
	if from == "" || to == "" {
		return
	}
	g.once(g.id("relationship", from, kind, to), "uco-core:Relationship", func() node {
		return node{"uco-core:source": ref(from), "uco-core:target": ref(to), "uco-core:kindOfRelationship": kind, "uco-core:isDirectional": true}
	})
}

// annotate writes statements about nodes.
func (g *graph) annotate(name string, about []string, statements ...string) string {
	var said []string
	for _, s := range statements {
		if s != "" {
			said = append(said, safe(s))
		}
	}
	if len(said) == 0 {
		return ""
	}
	return g.add(g.id("annotation", append([]string{name}, about...)...), "uco-core:Annotation",
		node{"uco-core:name": name, "uco-core:object": refs(about), "uco-core:statement": said})
}
