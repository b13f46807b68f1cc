package packager

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"hozen/packager/evidence"
	"hozen/packager/signed"
)

// A RecordLine is one line of custody/cp/<k>.jsonl: what is known of one item, or
// of one part of an item that is kept in parts.
type RecordLine struct {
	Path      string           `json:"path"`               // in the archive
	Orig      string           `json:"orig,omitempty"`     // the item's own path, where it differs and is UTF-8
	OrigB64   []byte           `json:"orig_b64,omitempty"` // where it differs and is not
	Collector string           `json:"collector"`
	Source    string           `json:"source,omitempty"`
	SourceB64 []byte           `json:"source_b64,omitempty"`
	Outcome   evidence.Outcome `json:"outcome"`
	Shortfall bool             `json:"shortfall,omitempty"`
	Note      string           `json:"note,omitempty"`
	Size      int64            `json:"size"`
	SHA256    string           `json:"sha256,omitempty"` // none where there is no member
	SHA1      string           `json:"sha1,omitempty"`   // where asked for, of the same bytes; proves nothing
	MD5       string           `json:"md5,omitempty"`    // likewise, always with SHA1
	TarOff    *int64           `json:"tar_off,omitempty"`
	ReadStart string           `json:"read_start"`
	ReadEnd   string           `json:"read_end"`
	File      *fileLine        `json:"file,omitempty"`
	Short     int64            `json:"short,omitempty"`  // bytes that were missing, and are zeros in the archive
	Grew      bool             `json:"grew,omitempty"`   // longer at the end than at the beginning; taken to its first size
	Part      *int             `json:"part,omitempty"`   // this line is part n of Joined
	Joined    string           `json:"joined,omitempty"` // path of the item that this is a part of
	Parts     int              `json:"parts,omitempty"`  // this line is the whole; its bytes are Path.p000000 …
}

// fileLine is evidence.FileMeta in a record.
type fileLine struct {
	Mode    uint32 `json:"mode"` // st_mode
	UID     uint32 `json:"uid"`
	GID     uint32 `json:"gid"`
	Owner   string `json:"owner,omitempty"`
	Group   string `json:"group,omitempty"`
	Size    int64  `json:"size"`
	Blocks  int64  `json:"blocks"`
	Dev     uint64 `json:"dev"`
	Inode   uint64 `json:"inode"`
	Nlink   uint64 `json:"nlink"`
	Link    string `json:"link_target,omitempty"`
	LinkB64 []byte `json:"link_target_b64,omitempty"`
	Atime   string `json:"atime,omitempty"`
	Mtime   string `json:"mtime,omitempty"`
	Ctime   string `json:"ctime,omitempty"`
	Btime   string `json:"btime,omitempty"`
	// Of Windows alone.
	Attributes uint32 `json:"attributes,omitempty"`
	ReparseTag uint32 `json:"reparse_tag,omitempty"`
}

// split keeps text that is not UTF-8 without loss: in the field "…_b64".
func split(s string) (text string, raw []byte) {
	if utf8.ValidString(s) {
		return s, nil
	}
	return "", []byte(s)
}

func lineOf(path string, r *evidence.Record) *RecordLine {
	l := &RecordLine{
		Path: path, Collector: r.Collector, Outcome: r.Outcome, Shortfall: r.Shortfall,
		Note: printable(r.Note), Size: r.Size, ReadStart: signed.Wall(r.Began), ReadEnd: signed.Wall(r.Ended), File: fileLineOf(r.File),
	}
	if "data/"+r.Path != path {
		l.Orig, l.OrigB64 = split(r.Path)
	}
	l.Source, l.SourceB64 = split(r.Source)
	return l
}

func fileLineOf(m *evidence.FileMeta) *fileLine {
	if m == nil {
		return nil
	}
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return signed.Wall(t)
	}
	f := &fileLine{
		Mode: m.Mode, UID: m.UID, GID: m.GID, Owner: printable(m.Owner), Group: printable(m.Group),
		Size: m.Size, Blocks: m.Blocks, Dev: m.Dev, Inode: m.Inode, Nlink: m.Nlink,
		Atime: when(m.Atime), Mtime: when(m.Mtime), Ctime: when(m.Ctime), Btime: when(m.Btime),
		Attributes: m.Attributes, ReparseTag: m.ReparseTag,
	}
	f.Link, f.LinkB64 = split(m.LinkTarget)
	return f
}

// printable makes a note valid UTF-8: other bytes are written \xNN.
func printable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			b.WriteString(`\x` + hex.EncodeToString([]byte{s[0]}))
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

func (l *RecordLine) encode() ([]byte, error) {
	b, err := json.Marshal(l)
	return append(b, '\n'), err
}
