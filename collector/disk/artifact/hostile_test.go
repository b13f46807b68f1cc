package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hozen/packager/evidence"
)

func TestHostileNames(t *testing.T) {
	for kind, h := range hosts(t, "d/new\nline.log", "d/\x1b[2J.log", "d/\xff\xfe.log", "d/*.log", "d/[a].log", "d/back\\slash.log",
		"d/%%users.homedir%%.log", "d/**2.log", "home/[x]*/f", "home/y/f", "home/\xff/f") {
		t.Run(kind, func(t *testing.T) {
			f := NewFinder(h, Linux)
			for path, want := range map[string][]string{
				"/d/*.log":                    {"/d/\x1b[2J.log", "/d/%%users.homedir%%.log", "/d/**2.log", "/d/*.log", "/d/[a].log", "/d/back\\slash.log", "/d/new\nline.log", "/d/\xff\xfe.log"},
				"/d/new?line.log":             {"/d/new\nline.log"},
				"/d/[*].log":                  {"/d/*.log"},
				"/d/??.log":                   {"/d/\xff\xfe.log"},
				`/d/back\slash.log`:           {"/d/back\\slash.log"},
				"%%users.homedir%%/f":         {"/home/[x]*/f", "/home/y/f", "/home/\xff/f"},
				"/home/%%users.username%%/f*": {"/home/[x]*/f", "/home/y/f", "/home/\xff/f"},
			} {
				got, errs := find(t, f, Source{Type: File, Paths: []string{path}})
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(got, want) || errs != nil {
					t.Errorf("%s:\n got %q %q\nwant %q", path, got, errs, want)
				}
			}
		})
	}
}

// An image may hold names that no kernel would give.
func TestNamesThatNoFileCanHave(t *testing.T) {
	h := imageOf("d/good", "etc/passwd = x")
	h.Image.(image)["/d"].names = []string{"", ".", "..", "../etc/passwd", "a/b", "nul\x00", "good"}
	got, errs := find(t, NewFinder(h, Linux), Source{Type: File, Paths: []string{"/d/**"}})
	if !slices.Equal(got, []string{"/d/good"}) || len(errs) != 1 || !strings.Contains(errs[0], "6 names that no file can have") {
		t.Errorf("%q %q", got, errs)
	}
}

func TestWhatIsCutIsSaid(t *testing.T) {
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("d/%03d/f", i))
	}
	h := imageOf(names...)
	for _, c := range []struct {
		bounds Bounds
		found  int
		want   string
	}{
		{Bounds{Entries: 10_000, Matches: 10_000}, 300, ""},
		{Bounds{Entries: 10_000, Matches: 300}, 300, ""},
		{Bounds{Entries: 10_000, Matches: 7}, 7, "more than 7 matches"},
		{Bounds{Entries: 9, Matches: 100}, 2, "more than 9 names looked at"},
	} {
		f := NewFinder(h, Linux)
		f.Bounds = c.bounds
		found := 0
		p := f.Expand(Source{Type: File, Paths: []string{"/d/*/f"}})[0]
		err := f.Find(t.Context(), p, func(Match) bool { found++; return true })
		if found != c.found || c.want == "" && err != nil {
			t.Errorf("%+v: %d found, %v", c.bounds, found, err)
		}
		if c.want != "" {
			if o, note, shortfall := evidence.Classify(err, 1); o != evidence.Partial || !shortfall || !strings.Contains(note, c.want) {
				t.Errorf("%+v: %s %v %q, not %q", c.bounds, o, shortfall, note, c.want)
			}
		}
	}
}

func TestFindEndsWhenAsked(t *testing.T) {
	f := NewFinder(linuxHosts(t)["image"], Linux)
	p := f.Expand(Source{Type: Path, Paths: []string{"/**9"}})[0]
	found := 0
	if err := f.Find(t.Context(), p, func(Match) bool { found++; return found < 3 }); err != nil || found != 3 {
		t.Errorf("yield said false after 3: %d found, %v", found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := f.Find(ctx, p, func(Match) bool { t.Error("a match after the end"); return true })
	if o, _, shortfall := evidence.Classify(err, 0); o != evidence.Skipped || !shortfall {
		t.Errorf("after the end: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	many := imageOf("d/")
	im := many.Image.(image)
	for i := range 1000 {
		im.add(fmt.Sprintf("/d/%04d", i), node{meta: evidence.FileMeta{Mode: evidence.ModeRegular}})
	}
	f, found = NewFinder(many, Linux), 0
	err = f.Find(ctx, f.Expand(Source{Type: File, Paths: []string{"/d/*"}})[0], func(Match) bool { found++; cancel(); return true })
	if err == nil || found > 100 {
		t.Errorf("%d found after the end, %v", found, err)
	}
}

// refusing is an image in which some names cannot be read.
type refusing struct {
	image
	bad map[string]error
}

func (r refusing) Lstat(name string) (*evidence.FileMeta, error) {
	if err := r.bad[name]; err != nil {
		return nil, err
	}
	return r.image.Lstat(name)
}

func (r refusing) Names(dir string) ([]string, error) {
	if err := r.bad[dir+"/"]; err != nil {
		return nil, err
	}
	return r.image.Names(dir)
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	h := imageOf("d/a/f", "d/b/f", "d/c/f", "etc/passwd = bad:x:1:1::/d/b:\n")
	bad := map[string]error{"/d/b": errors.New("damaged node"), "/d/c/": errors.New("damaged list")}
	h.Image = refusing{h.Image.(image), bad}
	f := NewFinder(h, Linux)
	if err := f.Problems(); err == nil || !strings.Contains(err.Error(), "damaged node") {
		t.Errorf("a home that cannot be looked at: %v", err)
	}
	got, errs := find(t, f, Source{Type: File, Paths: []string{"/d/*/*", "/d/b/f", "/d/c/f"}})
	if !slices.Equal(got, []string{"/d/a/f", "/d/c/f"}) || len(errs) != 2 ||
		!strings.Contains(errs[0], "2 failed") || !strings.Contains(errs[1], "damaged node") {
		t.Errorf("%q %q", got, errs)
	}
}

func TestTooManyUsers(t *testing.T) {
	var names []string
	for i := range maxUsers + 20 {
		names = append(names, fmt.Sprintf("home/u%04d/f", i))
	}
	f := NewFinder(imageOf(names...), Linux)
	if n := len(f.Users()); n != maxUsers {
		t.Errorf("%d users", n)
	}
	if o, note, shortfall := evidence.Classify(f.Problems(), 1); o != evidence.Partial || !shortfall || !strings.Contains(note, "20 cut") {
		t.Errorf("%s %v %s", o, shortfall, note)
	}
}

// A list of users that was made to cost us time.
func TestHugePasswd(t *testing.T) {
	f := NewFinder(imageOf("etc/passwd = root:x:0:0::/root:/bin/sh\n"+strings.Repeat("x:x:1:1::/home/none:/\n", maxPasswd/20), "root/f", "home/a/f"), Linux)
	if len(f.Users()) != 2 || f.Problems() == nil || !strings.Contains(f.Problems().Error(), "longer than the limit") {
		t.Errorf("%v %v", f.Users(), f.Problems())
	}
}

func FuzzPasswd(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\n")
	f.Add("a:x:1:1::/home/../..:\n:::::::\n\xff:x:7:::/%%users.sid%%/*:")
	f.Fuzz(func(t *testing.T, text string) {
		for _, u := range parsePasswd(text) {
			home, ok := cleanHome(u.Home)
			if ok && (!strings.HasPrefix(home, "/") || strings.Contains(home+"/", "/../") || strings.Contains(home, "//") || len(home) < 2) {
				t.Errorf("%q became %q", u.Home, home)
			}
		}
	})
}

// A file that two ways lead to is one match.
func TestEachFileOnce(t *testing.T) {
	h := imageOf("srv/s/f", "d/a/s -> /srv/s", "d/b/s -> /srv/s")
	got, errs := find(t, NewFinder(h, Linux), Source{Type: File, Paths: []string{"/d/*/s/f"}})
	if !slices.Equal(got, []string{"/srv/s/f via /d/a/s/f"}) || errs != nil {
		t.Errorf("%q %q", got, errs)
	}
}

func TestLinksThatMultiply(t *testing.T) {
	h := imageOf("d/f", "d/l -> "+strings.Repeat("./", 2000)+strings.Repeat("l/../", 1000)+"f", "d/long -> "+strings.Repeat("../d/", 5000)+"f")
	for path, want := range map[string]string{"/d/l": "too many levels", "/d/long": "too long"} {
		_, errs := find(t, NewFinder(h, Linux), Source{Type: File, Paths: []string{path}})
		if len(errs) != 1 || !strings.Contains(errs[0], want) {
			t.Errorf("%s: %.200q", path, errs)
		}
	}
}

func TestListOfUsersThroughALink(t *testing.T) {
	f := NewFinder(imageOf("etc/passwd -> ../run/users", "run/users = ann:x:1:1::/srv/ann:/bin/sh\n", "srv/ann/f"), Linux)
	if u := f.Users(); len(u) != 1 || u[0].Name != "ann" || f.Problems() != nil {
		t.Errorf("%+v %v", u, f.Problems())
	}
}

// What is written out is looked for even where a directory of Windows cannot be listed.
func TestWindowsDirectoriesThatAreClosed(t *testing.T) {
	h := imageOf("Windows/System32/config/SYSTEM")
	h.Image = refusing{h.Image.(image), map[string]error{"/Windows/System32/": errors.New("closed")}}
	f := NewFinder(h, Windows)
	got, errs := find(t, f, Source{Type: File, Paths: []string{`\Windows\System32\config\system`}})
	if !slices.Equal(got, []string{"/Windows/System32/config/SYSTEM"}) || errs != nil {
		t.Errorf("%q %q", got, errs)
	}
	for _, path := range []string{`\Windows\System32\CONFIG\system`, `\Windows\System32\*\system`} {
		got, errs = find(t, f, Source{Type: File, Paths: []string{path}})
		if got != nil || len(errs) != 1 || !strings.Contains(errs[0], "closed") {
			t.Errorf("%s: %q %q", path, got, errs)
		}
	}
}

func TestDirectoriesWithTooManyNames(t *testing.T) {
	h := imageOf("d/f")
	im := h.Image.(image)
	for i := range 1 << 18 {
		im["/d"].names = append(im["/d"].names, fmt.Sprint(i))
	}
	_, errs := find(t, NewFinder(h, Linux), Source{Type: File, Paths: []string{"/d/f*"}})
	if len(errs) != 1 || !strings.Contains(errs[0], "1 cut (first: ") || !strings.Contains(errs[0], "only 262144 names are listed") {
		t.Errorf("%q", errs)
	}
}

// What the kernel makes up is not walked into from above, and is nobody's home.
func TestKernelFolders(t *testing.T) {
	h := imageOf("etc/passwd = p:x:1:1::/proc/1/root:\nd:x:2:2::/dev/:\n", "proc/1/root/f", "sys/a/f", "dev/f", "opt/proc/f", "root/f")
	f := NewFinder(h, Linux)
	if u := f.Users(); len(u) != 1 || u[0].Home != "/root" {
		t.Errorf("%+v", u)
	}
	for path, want := range map[string]string{"/**9/f": "/opt/proc/f /root/f", "/proc/**/f": "/proc/1/root/f"} {
		got, errs := find(t, f, Source{Type: File, Paths: []string{path}})
		if strings.Join(got, " ") != want || errs != nil {
			t.Errorf("%s: %q %q", path, got, errs)
		}
	}
}

// A backslash in a user's name separates nothing, and a %% without its partner is text.
func TestOddTextInPaths(t *testing.T) {
	h := imageOf("home/do\\main/f", "d/100%%/f", "Users/x/f")
	got, errs := find(t, NewFinder(h, Linux), Source{Type: File, Separator: `\`, Paths: []string{`%%users.homedir%%\f`, `\d\100%%\f`}})
	if want := []string{"/home/do\\main/f", "/d/100%%/f"}; !slices.Equal(got, want) || errs != nil {
		t.Errorf("%q %q, not %q", got, errs, want)
	}
}
