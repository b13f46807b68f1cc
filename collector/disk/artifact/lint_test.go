package artifact

import (
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	const good = "name: GoodFile\ndoc: A file.\nsources:\n- type: FILE\n  attributes: {paths: ['%%users.homedir%%/.x/**']}\nsupported_os: [Linux]\n"
	change := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %q to change", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	path := func(s string) string { return change("%%users.homedir%%/.x/**", s) }
	for _, c := range []struct{ text, want string }{
		{good, ""},
		{change("GoodFile", "good_file"), "CamelCase"},
		{change("A file.", "A file"), "period"},
		{change("A file.", "|\n  A file\n  of mine."), "not a sentence of its own"},
		{change("A file.", "|\n  A file.\n  Of mine."), "no empty line"},
		{change("supported_os: [Linux]\n", ""), "no supported_os"},
		{good + "urls: ['gopher://x']\n", "neither https"},
		{good + "labels: [Logs]\n", "older versions"},
		{change("FILE\n  attributes: {paths: ['%%users.homedir%%/.x/**']", "COMMAND\n  attributes: {cmd: /bin/ls"), "never carry commands"},
		{change("[Linux]", "[Linux, Windows]"), "but the source is for Windows"},
		{path(`/a\b`), "its separator is /"},
		{path("a/b"), "begins neither"},
		{path("/a/../b"), ". or .."},
		{path("/a//b"), "empty component"},
		{path("/**"), "the whole disk"},
		{path("/a**b/c"), "** stands alone"},
		{path("/%%user.homedir%%/b"), "unknown variable %%user.homedir%%"},
		{path("/%%users.homedir%/b"), "without its partner"},
		{path("/a', '/a"), "given twice"},
		{change("supported_os: [Linux]", "  supported_os: [Darwin]\nsupported_os: [Linux]"), "a source is for Darwin, but the definition is not"},
	} {
		all, err := Parse("f", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(Lint(all[0]), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}
