package packages

import (
	"reflect"
	"testing"
	"time"
)

const statusText = `Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2
Conffiles:
 /etc/bash.bashrc 89269e1298235f1b12b4c16e4065ad0d
 /etc/old file 22bfb8c1dd94b5f3813a2b25da67463f obsolete
 /etc/new newconffile
Description: shell
 more text

Package: gone
Status: deinstall ok config-files
Version: 1

Package: broken
Version: 1
`

func TestDpkg(t *testing.T) {
	list, bad := ParseDpkgStatus(statusText)
	if len(list) != 2 || bad != 1 || list[0].State != "installed" || list[1].State != "config-files" {
		t.Fatalf("%+v, %d bad", list, bad)
	}
	p := &list[0]
	sums, bad := ParseDpkgSums("7210080490f9fd139c1b44fa0f730988  bin/bash\n12C7981C8FED81743552E47DD4B1483E *./usr/bin/x y\nrubbish\n108877c29ef6a482337ddc42ea8b0985  usr/bin/pg_config\n")
	if bad != 1 || sums["/usr/bin/x y"] != "12c7981c8fed81743552e47dd4b1483e" {
		t.Errorf("%v, %d bad", sums, bad)
	}
	paths := ParseDpkgList("/.\n/bin\n/bin/bash\n/usr/bin/x y\n/usr/bin/pg_config\n/etc/bash.bashrc\n/etc/old file\n/usr/bin/own\nrelative\n")
	diverted := map[string]Diversion{}
	for _, d := range ParseDiversions("/usr/bin/pg_config\n/usr/bin/pg_config.x\npostgresql-common\n/usr/bin/own\n/usr/bin/own.x\nbash\n/half\n") {
		diverted[d.From] = d
	}
	over, bad := ParseStatoverride("root messagebus 4754 /bin/bash\n#0 #12 755 /usr/bin/x y\nbad\n")
	if bad != 1 || len(over) != 2 || over[1].User != "0" || over[1].Path != "/usr/bin/x y" {
		t.Errorf("%+v, %d bad", over, bad)
	}
	p.Installs(paths, sums, diverted, map[string]File{"/bin/bash": over[0]})
	const s1, s2, s3, s4, s5 = "7210080490f9fd139c1b44fa0f730988", "12c7981c8fed81743552e47dd4b1483e", "108877c29ef6a482337ddc42ea8b0985", "89269e1298235f1b12b4c16e4065ad0d", "22bfb8c1dd94b5f3813a2b25da67463f"
	want := []File{
		{Path: "/bin", Size: -1},
		{Path: "/bin/bash", Algorithm: "md5", Digest: s1, Size: -1, Mode: 0o4754, HasMode: true, User: "root", Group: "messagebus"},
		{Path: "/usr/bin/x y", Algorithm: "md5", Digest: s2, Size: -1},
		{Path: "/usr/bin/pg_config.x", Algorithm: "md5", Digest: s3, Size: -1},
		{Path: "/etc/bash.bashrc", Algorithm: "md5", Digest: s4, Size: -1, Flags: Config},
		{Path: "/etc/old file", Algorithm: "md5", Digest: s5, Size: -1, Flags: Config},
		{Path: "/usr/bin/own", Size: -1},
	}
	if !reflect.DeepEqual(p.Files, want) {
		t.Errorf("%+v\nwant\n%+v", p.Files, want)
	}
	if got := p.InfoName(func(name string) bool { return name == "bash:amd64.list" }); got != "bash:amd64" {
		t.Error(got)
	}
}

func TestAPK(t *testing.T) {
	list, bad := ParseAPK("C:Q1abc=\nP:busybox\nV:1.36\nA:x86_64\nF:bin\nM:0:0:1777\nR:busybox\na:0:0:755\nZ:Q1qUqP5cyxm6YcTAhz05Hph5gvu9M=\nF:etc\nR:securetty\nZ:Q1bad\n\nP:two\nV:2\n?\n")
	if len(list) != 2 || bad != 2 {
		t.Fatalf("%+v, %d bad", list, bad)
	}
	want := []File{
		{Path: "/bin", Size: -1, Mode: 0o1777, HasMode: true, User: "0", Group: "0"},
		{Path: "/bin/busybox", Algorithm: "sha1", Digest: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", Size: -1, Mode: 0o755, HasMode: true, User: "0", Group: "0"},
		{Path: "/etc", Size: -1, Mode: 0o040755},
		{Path: "/etc/securetty", Size: -1, Mode: 0o644, HasMode: true, User: "0", Group: "0", Flags: Config},
	}
	if p := list[0]; p.Name != "busybox" || p.Version != "1.36" || p.Arch != "x86_64" || !reflect.DeepEqual(p.Files, want) {
		t.Errorf("%+v", p)
	}
}

func TestPacman(t *testing.T) {
	p := ParsePacmanDesc("%NAME%\nbash\n\n%VERSION%\n5.2-1\n\n%ARCH%\nx86_64\n\n%INSTALLDATE%\n1700000000\n\n")
	if p.Name != "bash" || p.Version != "5.2-1" || !p.Installed.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("%+v", p)
	}
	files, bad := ParseMtree("#mtree\n/set type=file uid=0 gid=0 mode=644\n./.PKGINFO time=1.0 size=3\n./usr time=1.0 mode=755 type=dir\n" +
		"./usr/bin/a\\040b time=1.0 mode=755 size=5 md5digest=00000000000000000000000000000000 sha256digest=aa\n./usr/bin/sh time=1.0 mode=777 type=link link=bash\n/unset mode\n./etc/x size=1\nrubbish\n")
	want := []File{
		{Path: "/usr", Size: -1, Mode: 0o040755, HasMode: true, User: "0", Group: "0"},
		{Path: "/usr/bin/a b", Algorithm: "md5", Digest: "00000000000000000000000000000000", Size: 5, Mode: 0o100755, HasMode: true, User: "0", Group: "0"},
		{Path: "/usr/bin/sh", Size: -1, Mode: 0o120777, HasMode: true, User: "0", Group: "0", Link: "bash"},
		{Path: "/etc/x", Size: 1, Mode: 0o100000, User: "0", Group: "0", Flags: Config},
	}
	if bad != 1 || !reflect.DeepEqual(files, want) {
		t.Errorf("%d bad, %+v", bad, files)
	}
}

func FuzzDpkg(f *testing.F) {
	f.Add(statusText)
	f.Add("7210080490f9fd139c1b44fa0f730988  bin/bash\n")
	f.Add("root root 4754 /usr/bin/x\n")
	f.Fuzz(func(_ *testing.T, text string) {
		list, _ := ParseDpkgStatus(text)
		sums, _ := ParseDpkgSums(text)
		ParseStatoverride(text)
		diverted := map[string]Diversion{}
		for _, d := range ParseDiversions(text) {
			diverted[d.From] = d
		}
		for i := range list {
			list[i].Installs(ParseDpkgList(text), sums, diverted, nil)
		}
	})
}

func FuzzAPK(f *testing.F) {
	f.Add("P:busybox\nF:bin\nR:busybox\na:0:0:755\nZ:Q1qUqP5cyxm6YcTAhz05Hph5gvu9M=\n")
	f.Fuzz(func(_ *testing.T, text string) { ParseAPK(text) })
}

func FuzzPacman(f *testing.F) {
	f.Add("#mtree\n/set type=file\n./usr/bin/a\\040b time=1.0 mode=755 size=5\n")
	f.Fuzz(func(_ *testing.T, text string) {
		ParseMtree(text)
		ParsePacmanDesc(text)
	})
}
