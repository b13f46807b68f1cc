package console

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"hozen/packager"
	"hozen/service/job"
	"hozen/service/protocol"
)

func allTexts(t *testing.T) map[string]text {
	all := map[string]text{}
	for _, m := range []map[string]text{frameTexts, pageTexts, jobTexts, archiveTexts} {
		for k, v := range m {
			if _, twice := all[k]; twice {
				t.Errorf("%s: twice", k)
			}
			all[k] = v
		}
	}
	return all
}

// usedKeys are the keys in templates and in our own code: whole ones, and the families
// that are looked up by a word that a function bounds.
func usedKeys(t *testing.T) map[string]bool {
	used := map[string]bool{}
	quoted := regexp.MustCompile(`"([a-z]+(?:\.[a-z_-]+)*)"`)
	err := fs.WalkDir(files, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(path)
		for _, m := range regexp.MustCompile(`\.T "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sources, _ := filepath.Glob("*.go")
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "texts_") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(b), -1) {
			if ending := filepath.Ext(m[1]); ending != "" && !slices.Contains([]string{".html", ".json", ".jsonl", ".sig"}, ending) {
				used[m[1]] = true
			}
		}
	}
	for family, words := range map[string][]string{
		"action.": append(actions(), "unknown"), "draft.what.": actions(), "class.": {"yes", "care", "no", "wait", "none"},
		"role.": anyRole(), "arrival.": {"arriving", "verifying", "receipted"}, "profile.": draftData{}.ProfileNames(),
		"state.":  append(protocol.States(), "unknown"),
		"answer.": {"sent", "accepted", "refused", "started", "volatile", "locks", "incompletesofar", "incomplete", "untold", "memory", "sealed", "verifying", "partial", "failed", "delivered", "verdict", "cancelled", "isolated", "rejoined", "done", "doneisolate", "donerejoin", "donecancel", "notdone", "unknown"},
	} {
		for _, w := range words {
			used[family+w] = true
			if family == "role." {
				used[family+w+".may"] = true
			}
		}
	}
	for _, p := range job.AllPowers() {
		used["power."+string(p)] = true
	}
	for _, v := range []packager.Verdict{packager.Valid, packager.Invalid, packager.ValidPartial, packager.UntrustedSigner, packager.ValidOuter, packager.NotEvidence, protocol.NotVerified, "?"} {
		used["verdict."+verdictKey(string(v))] = true
	}
	return used
}

func anyRole() []string { return append(anybody(), "admin") }

// Every text is there in both languages, with the same arguments, and is used; every
// text that is used is there.
func TestTexts(t *testing.T) {
	all, used := allTexts(t), usedKeys(t)
	verbs := regexp.MustCompile(`%(\[\d+\])?[a-z]`)
	for k, v := range all {
		if !used[k] {
			t.Errorf("%s: is not used", k)
		}
		if strings.TrimSpace(v[english]) == "" || strings.TrimSpace(v[japanese]) == "" {
			t.Errorf("%s: %q", k, v)
		}
		if e, j := verbs.FindAllString(v[english], -1), verbs.FindAllString(v[japanese], -1); !slices.Equal(e, j) {
			t.Errorf("%s: arguments %v and %v", k, e, j)
		}
		foreign := func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }
		if strings.ContainsFunc(v[english], foreign) && k != "lang.other" {
			t.Errorf("%s: English with %q", k, v[english])
		}
		if v[english] == v[japanese] {
			t.Errorf("%s: the same in both", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(used)) {
		if _, ok := all[k]; !ok {
			t.Errorf("%s: is used, and not there", k)
		}
	}
}

func TestAccepted(t *testing.T) {
	for header, want := range map[string]lang{
		"": english, "ja": japanese, "ja-JP,ja;q=0.9,en;q=0.8": japanese, "en-US,en;q=0.9,ja;q=0.8": english, "fr, ja;q=0.1": japanese,
		"en;q=0.5, JA;q=0.6": japanese, "ja;q=0, en": english, "ja;q=2": english, "*": english, "xx;q=x,ja": japanese,
		strings.Repeat("fr,", 100) + "ja": english,
	} {
		if got := accepted(header); got != want {
			t.Errorf("%q: %s", header, got.code())
		}
	}
}
