package artifact

import (
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/packager/evidence"
)

func linuxHosts(t testing.TB) map[string]*collector.Host {
	return hosts(t,
		"etc/passwd = root:x:0:0::/root:/bin/sh\nann:x:1000:1000:Ann:/home/ann:/bin/sh\nslash:x:3:3::/:/bin/sh\n"+
			"rel:x:4:4::home/rel:/bin/sh\nup:x:5:5::/home/../etc:/bin/sh\ntwin:x:6:6::/home//ann/:/bin/sh\n"+
			"star:x:7:7::/home/*:/bin/sh\nproc:x:8:8::/proc/1/root:/bin/sh\nbad line\n",
		"root/.bash_history", "home/ann/.bash_history", "home/ann/.ssh/id", "home/ad-user/.bash_history",
		"home/ad-user/.config/a/b/c/d/e", "home/linked -> /srv/homes/linked", "srv/homes/linked/.bash_history",
		"etc/cron.d/one", "etc/cron.d/.hidden", "etc/cron.d/two", "etc/cron.d/sub/three",
		"var/run -> /run", "run/utmp", "run/deep/x", "etc/link -> ../run/utmp", "etc/out -> ../../../../../../run/utmp",
		"etc/loop1 -> loop2", "etc/loop2 -> loop1", "etc/gone -> /nowhere",
		"opt/t1/logs/access_log", "opt/t1/logs/a/access_log", "opt/t1/logs/a/b/c/access_log", "opt/t1/logs/a/b/c/d/access_log",
		"opt/t2 -> t1", "opt/self/self -> ../self", "opt/self/f", "opt/.t/f",
		"sys/bus/dev/d1 -> ../../devices/d1", "sys/bus/dev/d2 -> /opt/t1", "sys/devices/d1/class", "opt/t1/class",
	)
}

func TestFindingFiles(t *testing.T) {
	for kind, h := range linuxHosts(t) {
		t.Run(kind, func(t *testing.T) { findingFiles(t, h) })
	}
}

func findingFiles(t *testing.T, h *collector.Host) {
	if s := SystemOf(h); s != Linux {
		t.Fatalf("a host with /etc and /home is %q", s)
	}
	f := NewFinder(h, Linux)
	for _, c := range []struct {
		kind  Type
		path  string
		paths []string
	}{
		{File, "/etc/cron.d/one", []string{"/etc/cron.d/one"}},
		{File, "/etc//cron.d/./one", []string{"/etc/cron.d/one"}},
		{File, "/etc/cron.d/*", []string{"/etc/cron.d/.hidden", "/etc/cron.d/one", "/etc/cron.d/two"}},
		{Path, "/etc/cron.d/*", []string{"/etc/cron.d/.hidden", "/etc/cron.d/one", "/etc/cron.d/sub", "/etc/cron.d/two"}},
		{File, "/etc/cron.d/[no-t]?[oe]", []string{"/etc/cron.d/one", "/etc/cron.d/two"}},
		{File, "/etc/cron.d/[!t]?e", []string{"/etc/cron.d/one"}},
		{File, "/etc/cron.d", []string{"/etc/cron.d"}},
		{Directory, "/etc/cron.d", []string{"/etc/cron.d", "/etc/cron.d/.hidden", "/etc/cron.d/one", "/etc/cron.d/sub", "/etc/cron.d/two"}},
		{File, "/etc/cron.d/**", []string{"/etc/cron.d/.hidden", "/etc/cron.d/one", "/etc/cron.d/sub/three", "/etc/cron.d/two"}},
		{File, "/etc/cron.d/**1", []string{"/etc/cron.d/.hidden", "/etc/cron.d/one", "/etc/cron.d/two"}},
		{File, "/var/run/utmp", []string{"/run/utmp via /var/run/utmp"}},
		{File, "/var/run/**", []string{"/run/deep/x via /var/run/deep/x", "/run/utmp via /var/run/utmp"}},
		{File, "/etc/link", []string{"/etc/link", "/run/utmp via /etc/link"}},
		{File, "/etc/out", []string{"/etc/out", "/run/utmp via /etc/out"}},
		{File, "/etc/gone", []string{"/etc/gone"}},
		{File, "/etc/cron.d/one/below", nil},
		{File, "/opt/t1/logs/**/access_log*", []string{"/opt/t1/logs/access_log", "/opt/t1/logs/a/access_log", "/opt/t1/logs/a/b/c/access_log"}},
		{File, "/opt/t1/logs/**4/access_log*", []string{"/opt/t1/logs/access_log", "/opt/t1/logs/a/access_log", "/opt/t1/logs/a/b/c/access_log", "/opt/t1/logs/a/b/c/d/access_log"}},
		{File, "/opt/t*/logs/access_log", []string{"/opt/t1/logs/access_log"}}, // t2 is a link that a glob met
		{File, "/opt/self/**9/f", []string{"/opt/self/f"}},
		{File, "/opt/self/self/self/self/f", []string{"/opt/self/f via /opt/self/self/self/self/f"}},
		{File, "/opt/*/f", []string{"/opt/.t/f", "/opt/self/f"}},
		{File, "/opt/**/**/f", []string{"/opt/.t/f", "/opt/self/f"}},
		{Path, "/", []string{"/"}},
		{File, "/sys/bus/dev/*/class", []string{"/sys/devices/d1/class via /sys/bus/dev/d1/class"}},
		{File, "/sys/bus/dev/d2/class", []string{"/opt/t1/class via /sys/bus/dev/d2/class"}},
		{File, "%%users.homedir%%/.bash_history", []string{"/root/.bash_history", "/home/ann/.bash_history", "/home/ad-user/.bash_history",
			"/srv/homes/linked/.bash_history via /home/linked/.bash_history"}},
		{File, "%%Users.HomeDir%%/.config/**", nil}, // the file is one deeper
		{File, "%%Users.HomeDir%%/.config/**5", []string{"/home/ad-user/.config/a/b/c/d/e"}},
		{File, "/home/%%users.username%%/.ssh/*", []string{"/home/ann/.ssh/id"}},
	} {
		got, errs := find(t, f, Source{Type: c.kind, Paths: []string{c.path}})
		if !slices.Equal(got, c.paths) || errs != nil {
			t.Errorf("%s %s:\n got %q %q\nwant %q", c.kind, c.path, got, errs, c.paths)
		}
	}
	got, errs := find(t, f, Source{Type: File, Paths: []string{"/etc/loop1"}})
	if !slices.Equal(got, []string{"/etc/loop1"}) || len(errs) != 1 || !strings.Contains(errs[0], "too many levels") {
		t.Errorf("a loop of links: %q %q", got, errs)
	}
}

func TestUsersOfLinux(t *testing.T) {
	f := NewFinder(linuxHosts(t)["image"], Linux)
	var got []string
	for _, u := range f.Users() {
		got = append(got, u.Name+" "+u.UID+" "+u.Home)
	}
	want := []string{"root 0 /root", "ann 1000 /home/ann", "ad-user  /home/ad-user", "linked  /home/linked"}
	if !slices.Equal(got, want) || f.Problems() != nil {
		t.Errorf("%q %v, not %q", got, f.Problems(), want)
	}
	got, errs := find(t, f, Source{Type: File, Paths: []string{"/mail/%%users.uid%%"}})
	if got != nil || errs != nil {
		t.Errorf("%q %q", got, errs)
	}
	if n := len(f.Expand(Source{Type: File, Paths: []string{"/mail/%%users.uid%%"}})); n != 2 {
		t.Errorf("%d users have a uid, not 2", n)
	}
}

func TestWhatCannotBeLookedFor(t *testing.T) {
	f := NewFinder(linuxHosts(t)["image"], Linux)
	for text, s := range map[string]Source{
		"%%users.localappdata%% has no value": {Type: File, Paths: []string{"%%users.localappdata%%/x"}},
		"%%nonsense%% has no value":           {Type: File, Paths: []string{"/a/%%nonsense%%/x"}},
		"not an absolute path":                {Type: File, Paths: []string{"etc/passwd"}},
		"with .. in it":                       {Type: File, Paths: []string{"/etc/../etc/passwd"}},
		"no program of the host is run":       {Type: Command, Cmd: "/bin/rm", Args: []string{"-rf", "/"}},
		"the host is not asked":               {Type: WMI, Query: "SELECT"},
		"Linux has no registry":               {Type: RegistryKey, Keys: []string{`HKEY_LOCAL_MACHINE\SYSTEM`}},
	} {
		got, errs := find(t, f, s)
		if len(got) > 0 || len(errs) != 1 || !strings.Contains(errs[0], text) {
			t.Errorf("%v: %q %q, not %q", s, got, errs, text)
			continue
		}
		p := f.Expand(s)[0]
		if o, _, shortfall := evidence.Classify(f.Find(t.Context(), p, nil), 0); o != evidence.Skipped || shortfall {
			t.Errorf("%s: outcome %s, shortfall %v", p.Text, o, shortfall)
		}
	}
}
