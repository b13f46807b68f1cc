package artifact

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

const whole = `# All that a definition may have.
---
name: Whole
aliases: [Complete]
doc: |
  Everything at once.

  At length.
labels: [Logs]
conditions: [os_major_version >= 6]
provides: [users.username]
sources:
- type: FILE
  attributes: {paths: ['%%environ_systemroot%%\a', '\b'], separator: '\'}
  supported_os: [Windows]
  conditions: [x]
  returned_types: [Thing]
  provides: [{key: users.sid, regex: '.*'}]
- type: REGISTRY_VALUE
  attributes: {key_value_pairs: [{key: 'HKEY_LOCAL_MACHINE\SYSTEM\x', value: ''}]}
- type: COMMAND
  attributes: {cmd: /bin/true, args: ['', -10, 0x1f]}
- type: WMI
  attributes: {query: SELECT 1, base_object: 'winmgmts:\root'}
- type: DIRECTORY
  attributes: {paths:['/d']}
supported_os: [Linux, Windows]
urls: ['https://example.org/']
---
# nothing
---
name: Second
doc: x
sources: [{type: ARTIFACT_GROUP, attributes: {names: [Whole]}}]
`

func TestParseKeepsEverything(t *testing.T) {
	all, err := Parse("a.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := []Definition{{
		Name: "Whole", Aliases: []string{"Complete"}, Doc: "Everything at once.\n\nAt length.\n",
		Labels: []string{"Logs"}, Conditions: []string{"os_major_version >= 6"}, Provides: []string{"users.username"},
		SupportedOS: []System{Linux, Windows}, URLs: []string{"https://example.org/"}, FileName: "a.yaml", Line: 3,
		Sources: []Source{
			{Type: File, Paths: []string{`%%environ_systemroot%%\a`, `\b`}, Separator: `\`, SupportedOS: []System{Windows},
				Conditions: []string{"x"}, ReturnedTypes: []string{"Thing"}, Provides: []string{"users.sid"}, Line: 13},
			{Type: RegistryValue, Values: []KeyValuePair{{`HKEY_LOCAL_MACHINE\SYSTEM\x`, ""}}, Line: 19},
			{Type: Command, Cmd: "/bin/true", Args: []string{"", "-10", "0x1f"}, Line: 21},
			{Type: WMI, Query: "SELECT 1", BaseObject: `winmgmts:\root`, Line: 23},
			{Type: Directory, Paths: []string{"/d"}, Line: 25},
		},
	}, {
		Name: "Second", Doc: "x", FileName: "a.yaml", Line: 32,
		Sources: []Source{{Type: Group, Names: []string{"Whole"}, Line: 34}},
	}}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("got\n%+v\nwant\n%+v", all, want)
	}
}

func TestParseIsStrict(t *testing.T) {
	const head = "name: N\ndoc: D.\n"
	file := func(attributes string) string {
		return head + "sources:\n- type: FILE\n  attributes: " + attributes + "\n"
	}
	for _, c := range []struct{ text, want string }{
		{"nme: N\n", `f.yaml:1: definition: unknown field "nme"; allowed: aliases, conditions, doc`},
		{head, "f.yaml:1: N: definition: no sources"},
		{head + "name: M\nsources: []\n", "f.yaml:3: N: definition: name is given twice"},
		{head + "sources: []\n", "f.yaml:3: N: sources: an empty list"},
		{head + "sources: {a: b}\n", "f.yaml:3: N: sources: a map, but a list is needed"},
		{head + "sources: [x]\n", `source: "x", but fields are needed: attributes`},
		{head + "sources: [{type: FILE}]\n", "source: no attributes"},
		{head + "sources: [{type: EXEC, attributes: {}}]\n", `unknown type "EXEC"; allowed: ARTIFACT_GROUP, COMMAND`},
		{file("{path: [a]}"), `f.yaml:5: N: FILE: unknown field "path"; allowed: paths, separator`},
		{file("{paths: a}"), `paths: "a", but a list is needed`},
		{file("{paths: ['']}"), "paths: an empty entry"},
		{file("{paths: [~]}"), "paths: nothing, but text is needed"},
		{file("{paths: [[a]]}"), "paths: a list, but text is needed"},
		{file("{separator: '/'}"), "FILE: no paths"},
		{file("{paths: [a], separator: ':'}"), `separator: ":"; allowed: / and \`},
		{file("{paths: ['/a/**33/b']}"), "at most **32"},
		{file("{paths: ['/a/**99999999999999999999']}"), "at most **32"},
		{file("{paths: [/a]}") + "supported_os: [Plan9]\n", `unknown system "Plan9"; allowed: Android, Darwin`},
		{file("{paths: [/a]}") + "supported_os: [Linux, Linux]\n", "Linux is given twice"},
		{file("{paths: [&a /a, *a]}"), "an anchor or alias of YAML"},
		{"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "an anchor or alias of YAML"},
		{head + "sources: " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "\n", "more than 16 levels"},
		{"- a\n", "definition: a list, but fields are needed"},
		{"name: [a]\ndoc: x\nsources: x\n", "f.yaml:1: name: a list, but text is needed"},
		{"name: a b\ndoc: x\n" + strings.TrimPrefix(file("{paths: [/a]}"), head), "a name has no blanks"},
		{"name: N\x00\n", "a NUL byte"},
		{"name: \"N\\0\"\ndoc: x\n", "a NUL byte"},
		{"name: 'N\n", "f.yaml: yaml: "},
		{head + "sources: [{type: REGISTRY_VALUE, attributes: {key_value_pairs: [{key: a}]}}]\n", "key_value_pairs: no value"},
		{head + "urls: ['" + strings.Repeat("x", maxText+1) + "']\n", "at most 65536"},
		{strings.Repeat("#", maxFile+1), "bytes: at most"},
	} {
		_, err := Parse("f.yaml", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("--- !!binary x\n--- ? [a]\n: b\n"))
	f.Add([]byte("name: N\ndoc: x\nsources:\n- {type: PATH, attributes: {paths: ['/**2/%%users.homedir%%%%/[x']}}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := Parse("f", b)
		if err != nil {
			return
		}
		finder := &Finder{system: Windows, environ: values{"environ_systemroot": {"/W"}}, users: []User{{values: values{"users.homedir": {"/h*"}}}}}
		for _, d := range all {
			if d.Name == "" || len(d.Sources) == 0 {
				t.Errorf("%+v was let through", d)
			}
			Lint(d)
			for _, s := range d.Sources {
				for _, p := range finder.Expand(s) {
					if p.Err == nil && slices.ContainsFunc(p.parts, func(p part) bool { return p.literal == ".." || strings.Contains(p.literal, "/") }) {
						t.Errorf("%q: a pattern that leads astray: %+v", p.Text, p.parts)
					}
				}
			}
		}
	})
}
