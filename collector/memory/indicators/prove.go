package indicators

import (
	"maps"
	"os"
	"slices"
)

// bySeen gives the processes of the pass, by pid.
func (s *survey) bySeen() []*summary {
	out := make([]*summary, 0, len(s.seen))
	for _, pid := range slices.Sorted(maps.Keys(s.seen)) {
		out = append(out, s.seen[pid])
	}
	return out
}

// prove gives the member that holds the raw text of a process of the pass, for
// findings of host checks. A process that had no finding until now is read once
// more; one that has ended meanwhile has only a record that says so.
func (s *survey) prove(pid int) []string {
	if path, ok := s.proved[pid]; ok {
		return []string{path}
	}
	was := s.seen[pid]
	if was == nil {
		return nil
	}
	p := &process{ctx: s.ctx, host: s.host, base: s.base, pid: pid}
	s.read(p)
	if p.known && p.stat.Start() != was.StartTicks {
		p = &process{ctx: s.ctx, host: s.host, base: s.base, pid: pid, gone: true}
	}
	path := stem(pid, was.StartTicks)
	if err := s.putRaw(path, p); err != nil {
		s.stop(err)
	}
	s.proved[pid] = path + ".txt"
	return []string{path + ".txt"}
}

// ownHand explains what the collection itself does.
func ownHand(who *summary) string {
	if who.PID == os.Getpid() {
		return "this is the collection itself"
	}
	return ""
}
