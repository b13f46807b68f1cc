package volatile

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"hozen/collector/jsonl"
)

const passwd = "root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534:sync:/bin:/bin/sync\nnobody:x:65534:65534::/:/bin/false\n" +
	"toor:x:0:0::/root/:/bin/sh\nbad\nx:y:z:\n:x:7:7::/a:/b\nbig:x:4294967296:1::/b:/c\nglob:x:9:9::/h/*:/c\nrel:x:10:10::h:/c\n"

func TestAccounts(t *testing.T) {
	want := idNames{0: "root", 4: "sync", 65534: "nobody", 9: "glob", 10: "rel"}
	if got := parseNames(passwd); !maps.Equal(got, want) {
		t.Errorf("names %v, want %v: the first of a number counts", got, want)
	}
	if got, want := parseHomes(passwd), []string{"/a", "/b", "/bin", "/root"}; !slices.Equal(got, want) {
		t.Errorf("homes %q, want %q", got, want)
	}
}

func FuzzAccounts(f *testing.F) {
	f.Add(passwd, "0\t0\t0\t0")
	f.Add("root:x:0:0::/root:/bin/sh\nx:y\n", "0 x")
	f.Fuzz(func(t *testing.T, text, four string) {
		n := parseNames(text)
		n.list(nil, four)
		n.four(four)
		if _, ok := n[0]; ok && !strings.Contains(text, string(jsonl.Text(n[0]))+":") {
			t.Errorf("%q is not in the text", n[0])
		}
		for _, home := range parseHomes(text) {
			if home[0] != '/' || home == "/" {
				t.Errorf("home %q", home)
			}
		}
	})
}
