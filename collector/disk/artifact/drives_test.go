package artifact

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hozen/collector"
)

// drivesHost is a live Windows of directories: names begin with a drive.
func drivesHost(t *testing.T, files ...string) *collector.Host {
	t.Helper()
	h := &collector.Host{Root: t.TempDir(), Drives: []string{"/C:", "/D:"}}
	for _, name := range files {
		at := filepath.Join(h.Root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestDrives(t *testing.T) {
	h := drivesHost(t, "/C:/Windows/System32/config/SAM", "/C:/Windows/Prefetch/A.pf", "/C:/Users/Hana/NTUSER.DAT",
		"/C:/$Recycle.Bin/S-1/$IAAAAAA.txt", "/D:/$Recycle.Bin/S-1/$IBBBBBB.txt", "/D:/inetpub/wwwroot/a.asp", "/C:/Data/x", "/D:/Data/y")
	if err := os.Symlink(`\??\C:\Users`, filepath.Join(h.Root, "C:/Documents and Settings")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(`\Data`, filepath.Join(h.Root, "D:/Link")); err != nil {
		t.Fatal(err)
	}
	f := NewFinder(h, Windows)
	if users := f.Users(); len(users) != 1 || users[0].Home != "/C:/Users/Hana" {
		t.Errorf("users: %+v", users)
	}
	for pattern, want := range map[string][]string{
		`%%environ_systemroot%%\system32\config\sam`: {"/C:/Windows/System32/config/SAM"},
		`%%users.userprofile%%\ntuser.dat`:           {"/C:/Users/Hana/NTUSER.DAT"},
		`%%environ_systemdrive%%\$Recycle.Bin\*\$I*`: {"/C:/$Recycle.Bin/S-1/$IAAAAAA.txt", "/D:/$Recycle.Bin/S-1/$IBBBBBB.txt"},
		`\inetpub\wwwroot\*`:                         {"/D:/inetpub/wwwroot/a.asp"},
		`d:\inetpub\wwwroot\*`:                       {"/D:/inetpub/wwwroot/a.asp"},
		`C:\inetpub\wwwroot\*`:                       nil,
		`%%environ_systemdrive%%\**3\*.pf`:           {"/C:/Windows/Prefetch/A.pf"},
		`C:\Documents and Settings\*\ntuser.dat`:     {"/C:/Users/Hana/NTUSER.DAT"},
		`D:\Link\*`:                                  {"/D:/Data/y"},
		`E:\x`:                                       nil,
	} {
		var got []string
		for _, p := range f.Expand(Source{Type: File, Separator: `\`, Paths: []string{pattern}}) {
			if err := f.Find(context.Background(), p, func(m Match) bool { got = append(got, m.Path); return true }); err != nil {
				t.Errorf("%s: %v", p.Text, err)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s found %q, not %q", pattern, got, want)
		}
	}
}
