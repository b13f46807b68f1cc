package disk

import (
	"strconv"

	"hozen/collector/jsonl"
)

// json gives the row as one line, as encoding/json does: by hand, since there is one
// for every file, and they would cost more than looking at it.
func (r *FileRow) json() []byte {
	l := line{b: make([]byte, 0, 640)}
	l.b = append(l.b, '{')
	l.must("path", string(r.Path))
	l.text("via", string(r.Via))
	if len(r.Artifacts) > 0 {
		l.list("artifacts", r.Artifacts)
	}
	l.text("tree", string(r.Tree))
	l.text("set", string(r.Set))
	l.flag("again", r.Again)
	l.must("kind", r.Kind)
	l.number("mode", uint64(r.Mode))
	l.number("uid", uint64(r.UID))
	l.number("gid", uint64(r.GID))
	l.text("owner", string(r.Owner))
	l.text("group", string(r.Group))
	l.signed("size", r.Size)
	l.signed("allocated", r.Allocated)
	l.number("dev", r.Dev)
	l.number("inode", r.Inode)
	l.number("nlink", r.Nlink)
	if r.Rdev != 0 {
		l.number("rdev", r.Rdev)
	}
	l.text("link_target", string(r.LinkTarget))
	l.text("atime", r.Atime)
	l.text("mtime", r.Mtime)
	l.text("ctime", r.Ctime)
	l.text("btime", r.Btime)
	if r.Attributes != 0 {
		l.number("attributes", uint64(r.Attributes))
	}
	if r.ReparseTag != 0 {
		l.number("reparse_tag", uint64(r.ReparseTag))
	}
	l.must("outcome", r.Outcome.String())
	l.text("reason", string(r.Reason))
	l.text("same_as", string(r.SameAs))
	l.text("item", string(r.Item))
	l.signed("taken", r.Taken)
	l.text("read_began", r.ReadBegan)
	l.text("read_ended", r.ReadEnded)
	l.flag("changed", r.Changed)
	if r.Unreadable != 0 {
		l.signed("unreadable", r.Unreadable)
	}
	l.flag("atime_may_move", r.AtimeMayMove)
	l.text("way", r.Way)
	l.text("other_way", string(r.OtherWay))
	return append(l.b, '}')
}

// A line is a JSON object on its way.
type line struct{ b []byte }

// Not inlined, for the size of the program.
//
//go:noinline
func (l *line) name(s string) {
	if l.b[len(l.b)-1] != '{' {
		l.b = append(l.b, ',')
	}
	l.b = append(append(append(l.b, '"'), s...), '"', ':')
}

func (l *line) must(name, s string) {
	l.name(name)
	l.b = jsonl.AppendText(l.b, s)
}

func (l *line) text(name, s string) {
	if s != "" {
		l.must(name, s)
	}
}

func (l *line) flag(name string, v bool) {
	if v {
		l.name(name)
		l.b = append(l.b, "true"...)
	}
}

func (l *line) number(name string, v uint64) {
	l.name(name)
	l.b = strconv.AppendUint(l.b, v, 10)
}

func (l *line) signed(name string, v int64) {
	l.name(name)
	l.b = strconv.AppendInt(l.b, v, 10)
}

func (l *line) list(name string, all []string) {
	l.name(name)
	for i, s := range all {
		l.b = append(l.b, "[,"[min(i, 1)])
		l.b = jsonl.AppendText(l.b, s)
	}
	l.b = append(l.b, ']')
}
