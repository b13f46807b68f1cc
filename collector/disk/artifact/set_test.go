package artifact

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"hozen/packager/evidence"
)

func load(t *testing.T, label, text string) []Definition {
	t.Helper()
	all, err := Load(label, fstest.MapFS{
		"a/b.yaml":     {Data: []byte(text)},
		"a/STYLE.md":   {Data: []byte("not a definition")},
		"README.yaml~": {Data: []byte("not a definition")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func fileDefinition(name, path, more string) string {
	return "---\nname: " + name + "\ndoc: D.\nsources:\n- type: FILE\n  attributes: {paths: ['" + path + "']}\n" + more
}

func group(name, members, more string) string {
	return "---\nname: " + name + "\ndoc: D.\nsources:\n- type: ARTIFACT_GROUP\n  attributes: {names: [" + members + "]}\n" + more
}

func TestSetsAreChecked(t *testing.T) {
	a := fileDefinition("A", "/a", "")
	for _, c := range []struct {
		loads []string
		want  string // "" for a good set
	}{
		{[]string{a, fileDefinition("B", "/b", "")}, ""},
		{[]string{a, "# moved down\n\n" + a}, ""}, // the same twice, in two sets
		{[]string{a + a}, "0/a/b.yaml:8: A is defined already in 0/a/b.yaml:2"},
		{[]string{a, fileDefinition("A", "/other", "")}, "1/a/b.yaml:2: A is defined already in 0/a/b.yaml:2"},
		{[]string{a, fileDefinition("B", "/b", "aliases: [A]\n")}, "1/a/b.yaml:2: A is defined already in 0/a/b.yaml:2"},
		{[]string{a + group("G", "A, Nobody", "")}, "0/a/b.yaml:11: G: member Nobody does not exist"},
		{[]string{group("G", "G", "")}, "0/a/b.yaml:5: G: the group contains itself: G, G"},
		{[]string{group("G", "H", ""), group("H", "I", ""), group("I", "G", "")}, "2/a/b.yaml:5: I: the group contains itself: G, H, I, G"},
		{[]string{group("G", "H", ""), group("H", "A", ""), a}, ""},
	} {
		var loads [][]Definition
		for i, text := range c.loads {
			loads = append(loads, load(t, string(rune('0'+i)), text))
		}
		_, err := NewSet(loads...)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.loads, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q:\n got %v\nwant %s", c.loads, err, c.want)
		}
	}
}

func TestLoadSaysWhichFile(t *testing.T) {
	_, err := Load("dir", fstest.MapFS{"x/y.yaml": {Data: []byte("name: x\n")}})
	if err == nil || !strings.HasPrefix(err.Error(), "dir/x/y.yaml:1: x: ") {
		t.Errorf("%v", err)
	}
}

func TestGroupsAreFlattened(t *testing.T) {
	text := group("Top", "B, Alias, Sub, B", "") + group("Sub", "W, A, C", "supported_os: [Linux]\n") + group("Win", "A", "supported_os: [Windows]\n") +
		fileDefinition("A", "/a", "aliases: [Alias]\n") + fileDefinition("B", "/b", "supported_os: [Linux, Windows]\n") +
		fileDefinition("W", "/w", "supported_os: [Windows]\n") +
		fileDefinition("C", "/c", "  supported_os: [Darwin]\n- type: FILE\n  attributes: {paths: [/l]}\n  supported_os: [Linux]\nsupported_os: [Darwin, Linux]\n")
	set, err := NewSet(load(t, "s", text))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		system System
		names  []string
		want   string
	}{
		{Linux, []string{"Top"}, "B:/b A:/a W-not for Linux, but for Windows C:/l"},
		{Windows, []string{"Top"}, "B:/b A:/a Sub-not for Windows, but for Linux"},
		{Linux, []string{"Win", "W"}, "Win-not for Linux, but for Windows W-not for Linux, but for Windows"},
		{Darwin, []string{"C", "Alias", "A"}, "C:/c A:/a"},
		{"", []string{"A", "B"}, "A:/a B-not for an unknown system, but for Linux, Windows"},
	} {
		chosen, err := set.Resolve(c.system, c.names...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, ch := range chosen {
			text := ch.Name
			for _, s := range ch.Sources {
				text += ":" + s.Paths[0]
			}
			if ch.Skip != nil {
				o, note, shortfall := evidence.Classify(ch.Skip, 0)
				if o != evidence.Skipped || shortfall {
					t.Errorf("%s: %s %v", ch.Name, o, shortfall)
				}
				text += "-" + note
			}
			got = append(got, text)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s %q:\n got %s\nwant %s", c.system, c.names, text, c.want)
		}
	}
	chosen, err := set.Resolve(Linux, "Nobody", "A")
	if err == nil || !strings.Contains(err.Error(), `"Nobody"`) || len(chosen) != 1 {
		t.Errorf("%v, %v", chosen, err)
	}
	if set.Get("Alias") != set.Get("A") || set.Get("Nobody") != nil || !slices.Contains(set.Names(), "Sub") || len(set.Definitions()) != 7 {
		t.Error("a set does not know its definitions")
	}
}
