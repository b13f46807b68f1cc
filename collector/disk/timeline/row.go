package timeline

import (
	"strconv"

	"hozen/collector/disk/walk"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// Row is one row of disk/timeline.jsonl: what lstat(2) says of one name of a file system.
// A directory that could not be listed to its end has a second row with the error.
// Rows are written by appendRow; this type is their contract, and reads them.
type Row struct {
	Path       jsonl.Text `json:"path"`      // as seen on the host
	Kind       string     `json:"kind"`      // regular, directory, symlink, fifo, socket, block, char; unknown if it could not be looked at
	Mode       uint32     `json:"mode"`      // st_mode, in decimal as JSON has it; it and what follows is left out of an object that could not be looked at
	UID        uint32     `json:"uid"`       // names are in the host's passwd(5) and group(5)
	GID        uint32     `json:"gid"`       //
	Size       int64      `json:"size"`      // bytes
	Allocated  int64      `json:"allocated"` // bytes
	Dev        uint64     `json:"dev"`
	Inode      uint64     `json:"inode"`
	Nlink      uint64     `json:"nlink"`
	Rdev       uint64     `json:"rdev,omitempty"`        // of a device node
	LinkTarget jsonl.Text `json:"link_target,omitempty"` // of a symbolic link
	Atime      string     `json:"atime,omitempty"`       // RFC 3339, nanoseconds; left out where the file system keeps none
	Mtime      string     `json:"mtime,omitempty"`
	Ctime      string     `json:"ctime,omitempty"`
	Btime      string     `json:"btime,omitempty"` // of birth
	// AtimeUnix and so on hold times that RFC 3339 cannot tell (before the year 0, after
	// 9999), in seconds since 1970.
	AtimeUnix  int64      `json:"atime_unix,omitempty"`
	MtimeUnix  int64      `json:"mtime_unix,omitempty"`
	CtimeUnix  int64      `json:"ctime_unix,omitempty"`
	BtimeUnix  int64      `json:"btime_unix,omitempty"`
	Immutable  bool       `json:"immutable,omitempty"`   // chattr(1) +i
	Append     bool       `json:"append_only,omitempty"` // chattr(1) +a
	Attributes uint32     `json:"attributes,omitempty"`  // of Windows: FILE_ATTRIBUTE_*
	ReparseTag uint32     `json:"reparse_tag,omitempty"` // of Windows: what kind of reparse point it is
	Again      bool       `json:"again,omitempty"`       // another name of this file has a row before this one
	Hidden     bool       `json:"hidden,omitempty"`      // another mount lies over the place
	Error      jsonl.Text `json:"error,omitempty"`
}

// appendRow appends the row of an entry as JSON with a newline. It makes nothing else:
// there are millions.
func appendRow(b []byte, t *timeText, e *walk.Entry) []byte {
	b = append(b, `{"path":`...)
	b = appendText(b, e.Path)
	if e.Known {
		b = appendMeta(b, t, e)
	} else {
		b = append(b, `,"kind":"unknown"`...)
	}
	if e.Again {
		b = append(b, `,"again":true`...)
	}
	if e.Covered {
		b = append(b, `,"hidden":true`...)
	}
	if e.Err != nil {
		b = append(b, `,"error":`...)
		b = jsonl.AppendText(b, e.Err.Error())
	}
	return append(b, "}\n"...)
}

func appendMeta(b []byte, t *timeText, e *walk.Entry) []byte {
	m := &e.Meta
	b = append(b, `,"kind":"`...)
	b = append(b, evidence.KindOf(m.Mode)...)
	b = append(b, `","mode":`...)
	b = strconv.AppendUint(b, uint64(m.Mode), 10)
	b = append(b, `,"uid":`...)
	b = strconv.AppendUint(b, uint64(m.UID), 10)
	b = append(b, `,"gid":`...)
	b = strconv.AppendUint(b, uint64(m.GID), 10)
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, m.Size, 10)
	b = append(b, `,"allocated":`...)
	b = strconv.AppendInt(b, m.Blocks*512, 10)
	b = append(b, `,"dev":`...)
	b = strconv.AppendUint(b, m.Dev, 10)
	b = append(b, `,"inode":`...)
	b = strconv.AppendUint(b, m.Inode, 10)
	b = append(b, `,"nlink":`...)
	b = strconv.AppendUint(b, m.Nlink, 10)
	if m.Rdev != 0 {
		b = append(b, `,"rdev":`...)
		b = strconv.AppendUint(b, m.Rdev, 10)
	}
	if len(e.Link) > 0 {
		b = append(b, `,"link_target":`...)
		b = appendText(b, e.Link)
	}
	b = t.append(b, `,"atime`, m.Atime)
	b = t.append(b, `,"mtime`, m.Mtime)
	b = t.append(b, `,"ctime`, m.Ctime)
	b = t.append(b, `,"btime`, m.Btime)
	if m.Attributes&walk.AttributeImmutable != 0 {
		b = append(b, `,"immutable":true`...)
	}
	if m.Attributes&walk.AttributeAppend != 0 {
		b = append(b, `,"append_only":true`...)
	}
	if m.FileAttributes != 0 {
		b = append(b, `,"attributes":`...)
		b = strconv.AppendUint(b, uint64(m.FileAttributes), 10)
	}
	if m.ReparseTag != 0 {
		b = append(b, `,"reparse_tag":`...)
		b = strconv.AppendUint(b, uint64(m.ReparseTag), 10)
	}
	return b
}

// appendText appends text of the host as jsonl.Text does.
func appendText(b, text []byte) []byte {
	for _, c := range text {
		if c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return jsonl.AppendText(b, string(text))
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}
