package indicators

import (
	"path"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

func imagePackageKinds() []Kind {
	return []Kind{
		{ID: "image-unpackaged-system-name", Technique: "T1036.005", Level: memory.Medium,
			Doc:    "the running image belongs to no package and is called like a program of one, or like a program of the system",
			Benign: []string{"software that was installed by hand, or built on this machine"}},
	}
}

// checkPackages looks the images of all processes up in the package database.
func checkPackages(s *survey) {
	images := s.images()
	wanted := make([]string, 0, len(images))
	for name := range images {
		wanted = append(wanted, name)
	}
	var tally evidence.Tally
	db := packagesOf(s.host, wanted, &tally)
	s.merge(&tally)
	if db.kind == "" {
		return
	}
	for _, p := range s.bySeen() {
		name := string(p.Exe)
		if !images[name] || db.files[merged(name)] {
			continue
		}
		if f, ok := unpackaged(name, db, p.installed); ok {
			f.subject, f.evidence = &p.Subject, s.prove(p.PID)
			s.report(f)
		}
	}
}

// images gives the distinct images that lie in our own mount namespace and have
// their name still.
func (s *survey) images() map[string]bool {
	out := map[string]bool{}
	for _, p := range s.seen {
		if name := string(p.Exe); p.ourMounts && strings.HasPrefix(name, "/") && !strings.HasSuffix(name, proc.DeletedMark) {
			out[name] = true
		}
	}
	return out
}

func unpackaged(name string, db *owned, installed bool) (finding, bool) {
	last := path.Base(name)
	packaged := db.names[last]
	if packaged == "" && !systemName(last) {
		return finding{}, false
	}
	f := finding{id: "image-unpackaged-system-name", seen: "runs " + name + ", which no package of " + db.kind + " owns"}
	if packaged != "" {
		f.seen += "; a package has " + packaged
		f.views = []memory.View{{Source: "/proc/PID/exe", Says: jsonl.Text(name)}, {Source: db.kind, Says: jsonl.Text(packaged)}}
	}
	switch {
	case addedPlace(name) && installed:
		f.explained = "software that was installed beside the packages lies there"
	case anyonesPlace(name):
		f.level = memory.High
	}
	return f, true
}
