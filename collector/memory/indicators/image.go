package indicators

import (
	"fmt"
	"strings"
	"time"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

func imageKinds() []Kind {
	return []Kind{
		{ID: "image-deleted", Technique: "T1070.004", Level: memory.High,
			Doc:    "the file of the running image has no name any more",
			Benign: []string{"a package was removed or upgraded while it ran", "an installer or a test that removes itself"}},
		{ID: "image-replaced", Technique: "T1036.005", Level: memory.Medium,
			Doc:    "the name of the running image leads to another file now, or the file was changed after the process began",
			Benign: []string{"a package upgrade replaced the file while it ran"}},
		{ID: "image-memfd", Technique: "T1620", Level: memory.High,
			Doc:    "the running image is a file that was made in memory (memfd_create(2)) and never had a name",
			Benign: []string{"runc runs a copy of itself from a memfd"}},
		{ID: "image-shm", Technique: "T1027.011", Level: memory.High,
			Doc:    "the running image lies in a file system in memory",
			Benign: []string{"a live system whose root is in memory", "build systems that work in a tmpfs"}},
		{ID: "image-strange-place", Technique: "T1036.005", Level: memory.Medium,
			Doc:    "the running image lies where everybody may write, or in a hidden directory",
			Benign: []string{"go run and go test build in /tmp", "AppImages are mounted in /tmp", "tools of programming languages keep programs in hidden directories of a home"}},
		{ID: "script-deleted", Technique: "T1070.004", Level: memory.Medium,
			Doc:    "an interpreter runs a script that has no name any more",
			Benign: []string{"package managers and installers remove their scripts while these run"}},
	}
}

// checkImage looks at what the process runs.
func checkImage(s *survey, p *process) {
	if p.exe == "" {
		return
	}
	name, marked := strings.CutSuffix(p.exe, proc.DeletedMark)
	switch {
	case strings.HasPrefix(p.exe, "/memfd:"):
		p.report(finding{id: "image-memfd", seen: "runs " + p.exe, explained: clonedRunc(p)})
	case marked && !p.reallyCalledSo():
		imageWithoutName(p, name)
	default:
		imageChanged(s, p)
	}
	if !strings.HasPrefix(p.exe, "/memfd:") {
		imagePlace(s, p, name)
	}
	checkScript(p)
}

// clonedRunc explains the copy of itself that runc runs, so that a container
// cannot write to the host's binary (CVE-2019-5736). Whoever is not
// root can give these names, but no container of root's.
func clonedRunc(p *process) string {
	if uid, ok := p.uid(); ok && uid == 0 && strings.HasPrefix(p.exe, "/memfd:runc_cloned:") && strings.HasPrefix(p.comm, "runc") {
		return "runc runs a copy of itself from a memfd"
	}
	return ""
}

// reallyCalledSo says that the image's name itself ends in " (deleted)".
func (p *process) reallyCalledSo() bool {
	m, err := p.host.Stat(p.path("exe"))
	if err != nil || m.Nlink == 0 {
		return false
	}
	real, err := p.host.Lstat(p.inRoot(p.exe))
	return err == nil && real.Inode == m.Inode && real.Dev == m.Dev
}

// inRoot gives the name by which a path of the process is reached from here: the
// same where it sees the files that we see, so that mounts which may never answer
// are avoided.
func (p *process) inRoot(name string) string {
	if root, err := p.host.Readlink(p.path("root")); err == nil && root == "/" && p.ourMounts {
		return name
	}
	return p.path("root") + name
}

// imageWithoutName tells a file that is gone from one that another has replaced.
func imageWithoutName(p *process, name string) {
	views := []memory.View{{Source: p.path("exe"), Says: jsonl.Text(p.exe)}}
	now, err := p.host.Lstat(p.inRoot(name))
	if err != nil || !now.Regular() {
		f := finding{id: "image-deleted", seen: "runs " + name + ", whose file has no name any more", views: views}
		if systemPlace(name) || addedPlace(name) {
			f.level = memory.Medium
		}
		p.report(f)
		return
	}
	f := finding{id: "image-replaced", seen: "runs a file that was called " + name + "; another file has that name now",
		views: append(views, memory.View{Source: name, Says: jsonl.Text(fileWords(now))})}
	if m := p.imageMapping(); m != nil && p.takenOver(m) {
		f.explained = "a newer file of root has the name, in a directory of installed software: an upgrade"
	}
	if anyonesPlace(name) {
		f.level = memory.High
	}
	p.report(f)
}

func fileWords(m *evidence.FileMeta) string {
	return fmt.Sprintf("inode %d of device %d, %d bytes, owner %d, mode %o, changed %s", m.Inode, m.Dev, m.Size, m.UID, m.Mode, m.Ctime.UTC().Format(stampForm))
}

// imageChanged looks for a file that was written to after the process began: the
// kernel refuses that while it runs (ETXTBSY), unless it is done beneath it.
func imageChanged(s *survey, p *process) {
	m, err := p.host.Stat(p.path("exe"))
	began, ok := s.began(p.stat.Start())
	if err != nil || !ok || !m.Mtime.After(began.Add(clockMargin)) || m.Mtime.After(p.host.Time()) {
		return
	}
	p.report(finding{id: "image-replaced", level: memory.Low,
		seen: "runs " + p.exe + ", whose contents changed after the process was made; it may have begun this program later",
		views: []memory.View{
			{Source: p.path("stat"), Says: jsonl.Text("made " + began.UTC().Format(stampForm))},
			{Source: p.path("exe"), Says: jsonl.Text(fileWords(m))},
		}})
}

// clockMargin is more than /proc/stat rounds the moment of boot by.
const clockMargin = 2 * time.Second

const stampForm = "2006-01-02T15:04:05.000000000Z"

// imagePlace looks at where the image lies.
func imagePlace(s *survey, p *process, name string) {
	switch memoryPlace := s.inMemory(p, name); {
	case sharedMemory(name):
		p.report(finding{id: "image-shm", seen: "runs " + name + ", a file in shared memory"})
	case memoryPlace != "":
		f := finding{id: "image-shm", seen: "runs " + name + ", a file in a file system in memory (" + memoryPlace + ")", level: memory.Medium}
		f.explained = builtThere(p, name)
		p.report(f)
	case anyonesPlace(name) || hidden(name):
		f := finding{id: "image-strange-place", seen: "runs " + name}
		f.explained = builtThere(p, name)
		p.report(f)
	}
}

// inMemory gives the type and mount point of the file system in memory that the
// image lies on; "" for any other one, and where that is the root itself.
func (s *survey) inMemory(p *process, name string) string {
	if !p.ourMounts {
		return ""
	}
	m, ok := proc.MountAt(s.mounts(), name)
	if !ok || m.Type != "tmpfs" && m.Type != "ramfs" || m.Point == "/" {
		return ""
	}
	return m.Type + " on " + m.Point
}

// builtThere explains programs that were built a moment ago.
func builtThere(p *process, name string) string {
	if !strings.Contains(name, "/go-build") {
		return ""
	}
	if parent := p.other(int(p.stat.Field[proc.StatPPID])); imageName(parent.exe) == "go" && parent.imageInstalled() {
		return "built and run by go, which is its parent"
	}
	return ""
}
