package artifact

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// definition reads one document.
func (r *reader) definition(n *yaml.Node) (d Definition) {
	r.shape(n, 0)
	if r.err != nil {
		return
	}
	d.FileName, d.Line = r.file, n.Line
	r.name = nameOf(n)
	r.fields(n, "definition", map[string]field{
		"name":         r.text("name", &d.Name),
		"aliases":      r.list("aliases", &d.Aliases),
		"doc":          r.text("doc", &d.Doc),
		"sources":      func(n *yaml.Node) { d.Sources = r.sources(n) },
		"supported_os": r.systems(&d.SupportedOS),
		"urls":         r.list("urls", &d.URLs),
		"labels":       r.list("labels", &d.Labels),
		"conditions":   r.list("conditions", &d.Conditions),
		"provides":     r.provides(&d.Provides),
	}, "name", "doc", "sources")
	for _, name := range append([]string{d.Name}, d.Aliases...) {
		if name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '/' }) {
			r.fail(n, "name %q: a name has no blanks, control characters or slashes", clip(name))
		}
	}
	return d
}

// nameOf finds the name before the rest is read, for messages.
func nameOf(n *yaml.Node) string {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "name" {
			return clip(n.Content[i+1].Value)
		}
	}
	return ""
}

func (r *reader) sources(n *yaml.Node) (all []Source) {
	for _, e := range r.entries(n, "sources") {
		if r.err != nil {
			return nil
		}
		all = append(all, r.source(e))
	}
	return all
}

// source reads one source; its attributes come last, because what they may be
// depends on the type.
func (r *reader) source(n *yaml.Node) (s Source) {
	s.Line = n.Line
	var name string
	var attributes *yaml.Node
	r.fields(n, "source", map[string]field{
		"type":           r.text("type", &name),
		"attributes":     func(n *yaml.Node) { attributes = n },
		"supported_os":   r.systems(&s.SupportedOS),
		"conditions":     r.list("conditions", &s.Conditions),
		"provides":       r.provides(&s.Provides),
		"returned_types": r.list("returned_types", &s.ReturnedTypes),
	}, "type", "attributes")
	if r.err != nil {
		return s
	}
	if s.Type = Type(name); !slices.Contains(Types(), s.Type) {
		r.fail(n, "source: unknown type %q; allowed: %s", clip(name), join(Types()))
		return s
	}
	known, required := r.attributes(&s)
	r.fields(attributes, string(s.Type), known, required...)
	return s
}

// attributes gives what a source of its type may have, and must.
func (r *reader) attributes(s *Source) (known map[string]field, required []string) {
	switch s.Type {
	case File, Path, Directory:
		return map[string]field{"paths": r.paths(&s.Paths), "separator": r.separator(&s.Separator)}, []string{"paths"}
	case RegistryKey:
		return map[string]field{"keys": r.list("keys", &s.Keys)}, []string{"keys"}
	case RegistryValue:
		return map[string]field{"key_value_pairs": r.values(&s.Values)}, []string{"key_value_pairs"}
	case Group:
		return map[string]field{"names": r.list("names", &s.Names)}, []string{"names"}
	case Command:
		return map[string]field{"cmd": r.text("cmd", &s.Cmd), "args": r.arguments(&s.Args)}, []string{"cmd"}
	case WMI:
		return map[string]field{"query": r.text("query", &s.Query), "base_object": r.text("base_object", &s.BaseObject)}, []string{"query"}
	}
	return nil, nil
}

// arguments is a list that may be empty, as may its entries.
func (r *reader) arguments(to *[]string) field {
	return func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode || len(n.Content) > maxList {
			r.fail(n, "args: %s, but a list of at most %d is needed", kind(n), maxList)
			return
		}
		for _, e := range n.Content {
			*to = append(*to, r.scalar(e, "args"))
		}
	}
}

// paths is a list of paths. That they are absolute, and the rest of good style, is
// for Lint, because published ones are not all so.
func (r *reader) paths(to *[]string) field {
	return func(n *yaml.Node) {
		r.list("paths", to)(n)
		for _, path := range *to {
			for _, part := range strings.FieldsFunc(path, func(c rune) bool { return c == '/' || c == '\\' }) {
				if depth, ok := recursion(part); ok && depth > maxRecursion {
					r.fail(n, "paths: %s in %q: at most **%d", part, clip(path), maxRecursion)
				}
			}
		}
	}
}

func (r *reader) separator(to *string) field {
	return func(n *yaml.Node) {
		if *to = r.scalar(n, "separator"); *to != "/" && *to != `\` {
			r.fail(n, `separator: %q; allowed: / and \`, clip(*to))
		}
	}
}

func (r *reader) systems(to *[]System) field {
	return func(n *yaml.Node) {
		for _, e := range r.entries(n, "supported_os") {
			s := System(r.scalar(e, "supported_os"))
			switch {
			case !slices.Contains(Systems(), s):
				r.fail(e, "supported_os: unknown system %q; allowed: %s", clip(string(s)), join(Systems()))
			case slices.Contains(*to, s):
				r.fail(e, "supported_os: %s is given twice", s)
			}
			*to = append(*to, s)
		}
	}
}

func (r *reader) values(to *[]KeyValuePair) field {
	return func(n *yaml.Node) {
		for _, e := range r.entries(n, "key_value_pairs") {
			var p KeyValuePair
			r.fields(e, "key_value_pairs", map[string]field{
				"key": r.text("key", &p.Key), "value": r.text("value", &p.Value),
			}, "key", "value")
			*to = append(*to, p)
		}
	}
}

// provides reads both forms that were in use: names, and maps whose "key" is the name.
func (r *reader) provides(to *[]string) field {
	return func(n *yaml.Node) {
		for _, e := range r.entries(n, "provides") {
			var name, unused string
			if e.Kind == yaml.MappingNode {
				r.fields(e, "provides", map[string]field{
					"key": r.text("key", &name), "regex": r.text("regex", &unused), "wmi_key": r.text("wmi_key", &unused),
				}, "key")
			} else {
				name = r.scalar(e, "provides")
			}
			*to = append(*to, name)
		}
	}
}

func join[T ~string](list []T) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}
