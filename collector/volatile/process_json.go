package volatile

import (
	"strconv"

	"hozen/collector/jsonl"
)

// The rows are written by hand, because there are tens of thousands of them and
// encoding/json would cost more than reading them from the kernel. A test holds
// these functions and the tags in process_row.go together: what they write,
// read into the struct and written by encoding/json, is the same bytes.

// jsonKey begins a member of an object.
func jsonKey(b []byte, name string) []byte {
	if c := b[len(b)-1]; c != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func jsonInt(b []byte, name string, v int64) []byte {
	return strconv.AppendInt(jsonKey(b, name), v, 10)
}

func jsonUint(b []byte, name string, v uint64) []byte {
	return strconv.AppendUint(jsonKey(b, name), v, 10)
}

// The functions whose name ends in If leave out the zero value, as omitempty does.

func jsonIntIf(b []byte, name string, v int64) []byte {
	if v == 0 {
		return b
	}
	return jsonInt(b, name, v)
}

func jsonUintIf(b []byte, name string, v uint64) []byte {
	if v == 0 {
		return b
	}
	return jsonUint(b, name, v)
}

// jsonPtrIf leaves out what is not known; a 0 that is known is written.
func jsonPtrIf[N int | int64 | uint64](b []byte, name string, v *N) []byte {
	switch {
	case v == nil:
		return b
	case *v < 0:
		return jsonInt(b, name, int64(*v))
	}
	return jsonUint(b, name, uint64(*v))
}

func jsonText(b []byte, name string, v jsonl.Text) []byte {
	return jsonl.AppendText(jsonKey(b, name), string(v))
}

func jsonTextIf(b []byte, name string, v jsonl.Text) []byte {
	if v == "" {
		return b
	}
	return jsonText(b, name, v)
}

func jsonTextsIf(b []byte, name string, list []jsonl.Text) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(jsonKey(b, name), '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonl.AppendText(b, string(v))
	}
	return append(b, ']')
}

func jsonTrueIf(b []byte, name string, v bool) []byte {
	if !v {
		return b
	}
	return append(jsonKey(b, name), "true"...)
}

func jsonBool(b []byte, name string, v bool) []byte {
	return strconv.AppendBool(jsonKey(b, name), v)
}

func appendID(b []byte, id ID) []byte {
	b = jsonUint(append(b, '{'), "id", uint64(id.ID))
	return append(jsonTextIf(b, "name", id.Name), '}')
}

func jsonIDIf(b []byte, name string, id *ID) []byte {
	if id == nil {
		return b
	}
	return appendID(jsonKey(b, name), *id)
}

// appendFile appends a row of files.jsonl, without its newline.
func appendFile(b []byte, f *File) []byte {
	b = jsonInt(append(b, '{'), "pid", int64(f.PID))
	b = jsonUint(b, "start_ticks", f.StartTicks)
	b = jsonInt(b, "fd", int64(f.FD))
	b = jsonText(b, "target", f.Target)
	b = jsonTrueIf(b, "deleted", f.Deleted)
	b = jsonTextIf(b, "flags", jsonl.Text(f.Flags))
	b = jsonIntIf(b, "pos", f.Pos)
	b = jsonIntIf(b, "mnt_id", f.MountID)
	b = jsonUintIf(b, "inode", f.Inode)
	return append(jsonTextIf(b, "error", f.Error), '}')
}

// appendMap appends a row of maps.jsonl, without its newline.
func appendMap(b []byte, m *Map) []byte {
	b = jsonInt(append(b, '{'), "pid", int64(m.PID))
	b = jsonUint(b, "start_ticks", m.StartTicks)
	b = jsonText(b, "start", jsonl.Text(m.Start))
	b = jsonText(b, "end", jsonl.Text(m.End))
	b = jsonText(b, "perms", jsonl.Text(m.Perms))
	b = jsonText(b, "offset", jsonl.Text(m.Offset))
	b = jsonText(b, "dev", jsonl.Text(m.Dev))
	b = jsonUint(b, "inode", m.Inode)
	b = jsonTextIf(b, "path", m.Path)
	return append(jsonTrueIf(b, "deleted", m.Deleted), '}')
}

func appendImage(b []byte, e *Image) []byte {
	b = jsonText(append(b, '{'), "path", e.Path)
	b = jsonBool(b, "deleted", e.Deleted)
	b = jsonTextIf(b, "dev", jsonl.Text(e.Dev))
	b = jsonUintIf(b, "inode", e.Inode)
	b = jsonIntIf(b, "size", e.Size)
	b = jsonTextIf(b, "mode", jsonl.Text(e.Mode))
	b = jsonIDIf(b, "owner", e.UID)
	b = jsonTextIf(b, "mtime", jsonl.Text(e.Mtime))
	b = jsonTextIf(b, "ctime", jsonl.Text(e.Ctime))
	b = jsonTextIf(b, "sha256", jsonl.Text(e.SHA256))
	return append(jsonTextIf(b, "error", e.Error), '}')
}

func appendIDs(b []byte, ids *IDs) []byte {
	b = appendID(jsonKey(append(b, '{'), "real"), ids.Real)
	b = appendID(jsonKey(b, "effective"), ids.Effective)
	b = appendID(jsonKey(b, "saved"), ids.Saved)
	return append(jsonIDIf(b, "fs", ids.FS), '}')
}

func appendCap(b []byte, c Cap) []byte {
	b = jsonText(append(b, '{'), "hex", jsonl.Text(c.Hex))
	if len(c.Names) > 0 {
		b = append(jsonKey(b, "names"), '[')
		for i, n := range c.Names {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, '"'), n...), '"')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendCaps(b []byte, c *Caps) []byte {
	b = appendCap(jsonKey(append(b, '{'), "inheritable"), c.Inheritable)
	b = appendCap(jsonKey(b, "permitted"), c.Permitted)
	b = appendCap(jsonKey(b, "effective"), c.Effective)
	b = appendCap(jsonKey(b, "bounding"), c.Bounding)
	return append(appendCap(jsonKey(b, "ambient"), c.Ambient), '}')
}
