package indicators

import (
	"testing"

	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// withInstalled makes a process that sees these files as installed software: inode 7
// of device fe:00 each.
func withInstalled(p *process, names ...string) *process {
	p.base, p.mountNS = &base{mntNS: func() string { return "mnt:[1]" }}, "mnt:[1]"
	p.base.installed.files = map[string]installedFile{}
	for _, name := range names {
		p.base.installed.files[p.mountNS+name] = installedFile{ok: true, inode: 7, device: "fe:00"}
	}
	return p
}

// everyFile says yes to every file.
func everyFile(m *proc.Mapping) bool { return m.Inode != 0 && !m.Deleted }

// TestNamesOfOthersExplainNothing gives other files the name of installed software,
// as a process can in a mount namespace of its own, or by a file system that was
// detached while it was in use.
func TestNamesOfOthersExplainNothing(t *testing.T) {
	const name = "/usr/lib/jvm/lib/server/libjvm.so"
	for what, c := range map[string]struct {
		m           proc.Mapping
		ns          string
		is, succeed bool
	}{
		"the file itself":            {proc.Mapping{Path: name, Inode: 7, Dev: "fe:00"}, "mnt:[1]", true, false},
		"another inode":              {proc.Mapping{Path: name, Inode: 8, Dev: "fe:00"}, "mnt:[1]", false, true},
		"another file system":        {proc.Mapping{Path: name, Inode: 7, Dev: "00:31"}, "mnt:[1]", false, false},
		"neither":                    {proc.Mapping{Path: name, Inode: 8, Dev: "00:31"}, "mnt:[1]", false, false},
		"removed":                    {proc.Mapping{Path: name, Inode: 7, Dev: "fe:00", Deleted: true}, "mnt:[1]", false, false},
		"no namespace known":         {proc.Mapping{Path: name, Inode: 7, Dev: "fe:00"}, "", false, false},
		"where no software belongs":  {proc.Mapping{Path: "/home/u/libjvm.so", Inode: 7, Dev: "fe:00"}, "mnt:[1]", false, false},
		"memory without a file":      {proc.Mapping{Path: name, Dev: "fe:00"}, "mnt:[1]", false, false},
		"in a hidden place of /usr/": {proc.Mapping{Path: "/usr/lib/.x/libjvm.so", Inode: 7, Dev: "fe:00"}, "mnt:[1]", false, false},
	} {
		p := withInstalled(&process{}, name)
		if p.mountNS = c.ns; p.installed(&c.m) != c.is {
			t.Errorf("%s: installed %v", what, !c.is)
		}
		if p.takenOver(&c.m) != c.succeed {
			t.Errorf("%s: taken over %v", what, !c.succeed)
		}
	}
}

func TestFilesOfRoot(t *testing.T) {
	for what, c := range map[string]struct {
		m    evidence.FileMeta
		want bool
	}{
		"root's":              {evidence.FileMeta{Mode: evidence.ModeRegular | 0o755}, true},
		"a user's":            {evidence.FileMeta{Mode: evidence.ModeRegular | 0o755, UID: 1000}, false},
		"a group may write":   {evidence.FileMeta{Mode: evidence.ModeRegular | 0o775}, false},
		"everybody may write": {evidence.FileMeta{Mode: evidence.ModeRegular | 0o757}, false},
		"a link":              {evidence.FileMeta{Mode: 0o120777}, false},
	} {
		if rootsFile(&c.m) != c.want {
			t.Errorf("%s: %v", what, !c.want)
		}
	}
}

// TestServedFilesExplainNothing looks for a file below a file system that a user can
// serve: it is not even touched, for that may never be answered.
func TestServedFilesExplainNothing(t *testing.T) {
	mounts := []proc.Mount{{Point: "/", Device: "254:0", Type: "ext4"}, {Point: "/usr", Device: "0:49", Type: "fuse.sshfs"}, {Point: "/usr/lib", Device: "0:50", Type: "tmpfs"}}
	if got := look(nil, mounts, "/usr/lib/x", "/usr/lib/x"); got.ok {
		t.Errorf("%+v", got)
	}
}

// TestClonesOfRuncAreRoots gives the name of runc's copy to a user's program.
func TestClonesOfRuncAreRoots(t *testing.T) {
	for uid, want := range map[string]memory.Level{"0\t0\t0\t0": memory.Low, "1000\t1000\t1000\t1000": memory.High, "": memory.High} {
		p := &process{exe: "/memfd:runc_cloned:/proc/self/exe (deleted)", comm: "runc", status: map[string]string{"Uid": uid}}
		f := finding{id: "image-memfd", explained: clonedRunc(p)}
		if got := f.row(kindsByID(), nil, nil).Level; got != want {
			t.Errorf("uid %q: %v, want %v", uid, got, want)
		}
	}
}
