package volatile

import (
	"strconv"

	"hozen/collector/jsonl"
)

// The rows are written by hand, because there are tens of thousands of them and
// encoding/json would cost more than reading them from the kernel. A test holds
// these functions and the tags in process_row.go together: what they write,
// read into the struct and written by encoding/json, is the same bytes.

// key begins a member of an object.
func key(b []byte, name string) []byte {
	if c := b[len(b)-1]; c != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func keyInt(b []byte, name string, v int64) []byte {
	return strconv.AppendInt(key(b, name), v, 10)
}

func keyUint(b []byte, name string, v uint64) []byte {
	return strconv.AppendUint(key(b, name), v, 10)
}

// The functions whose name ends in If leave out the zero value, as omitempty does.

func keyIntIf(b []byte, name string, v int64) []byte {
	if v == 0 {
		return b
	}
	return keyInt(b, name, v)
}

func keyUintIf(b []byte, name string, v uint64) []byte {
	if v == 0 {
		return b
	}
	return keyUint(b, name, v)
}

func keyPtrIf(b []byte, name string, v *int64) []byte {
	if v == nil {
		return b
	}
	return keyInt(b, name, *v)
}

func keyText(b []byte, name string, v jsonl.Text) []byte {
	return jsonl.AppendText(key(b, name), string(v))
}

func keyTextIf(b []byte, name string, v jsonl.Text) []byte {
	if v == "" {
		return b
	}
	return keyText(b, name, v)
}

func keyTextsIf(b []byte, name string, list []jsonl.Text) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(key(b, name), '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonl.AppendText(b, string(v))
	}
	return append(b, ']')
}

func keyTrueIf(b []byte, name string, v bool) []byte {
	if !v {
		return b
	}
	return append(key(b, name), "true"...)
}

func keyBool(b []byte, name string, v bool) []byte {
	return strconv.AppendBool(key(b, name), v)
}

func appendID(b []byte, id ID) []byte {
	b = keyUint(append(b, '{'), "id", uint64(id.ID))
	return append(keyTextIf(b, "name", id.Name), '}')
}

func keyIDIf(b []byte, name string, id *ID) []byte {
	if id == nil {
		return b
	}
	return appendID(key(b, name), *id)
}

// appendFile appends a row of files.jsonl, without its newline.
func appendFile(b []byte, f *File) []byte {
	b = keyInt(append(b, '{'), "pid", int64(f.PID))
	b = keyUint(b, "start_ticks", f.StartTicks)
	b = keyInt(b, "fd", int64(f.FD))
	b = keyText(b, "target", f.Target)
	b = keyTrueIf(b, "deleted", f.Deleted)
	b = keyTextIf(b, "flags", jsonl.Text(f.Flags))
	b = keyIntIf(b, "pos", f.Pos)
	b = keyIntIf(b, "mnt_id", f.MountID)
	b = keyUintIf(b, "inode", f.Inode)
	return append(keyTextIf(b, "error", f.Error), '}')
}

// appendMap appends a row of maps.jsonl, without its newline.
func appendMap(b []byte, m *Map) []byte {
	b = keyInt(append(b, '{'), "pid", int64(m.PID))
	b = keyUint(b, "start_ticks", m.StartTicks)
	b = keyText(b, "start", jsonl.Text(m.Start))
	b = keyText(b, "end", jsonl.Text(m.End))
	b = keyText(b, "perms", jsonl.Text(m.Perms))
	b = keyText(b, "offset", jsonl.Text(m.Offset))
	b = keyText(b, "dev", jsonl.Text(m.Dev))
	b = keyUint(b, "inode", m.Inode)
	b = keyTextIf(b, "path", m.Path)
	return append(keyTrueIf(b, "deleted", m.Deleted), '}')
}

func appendImage(b []byte, e *Image) []byte {
	b = keyText(append(b, '{'), "path", e.Path)
	b = keyBool(b, "deleted", e.Deleted)
	b = keyTextIf(b, "dev", jsonl.Text(e.Dev))
	b = keyUintIf(b, "inode", e.Inode)
	b = keyIntIf(b, "size", e.Size)
	b = keyTextIf(b, "mode", jsonl.Text(e.Mode))
	b = keyIDIf(b, "owner", e.UID)
	b = keyTextIf(b, "mtime", jsonl.Text(e.Mtime))
	b = keyTextIf(b, "ctime", jsonl.Text(e.Ctime))
	b = keyTextIf(b, "sha256", jsonl.Text(e.SHA256))
	return append(keyTextIf(b, "error", e.Error), '}')
}

func appendIDs(b []byte, ids *IDs) []byte {
	b = appendID(key(append(b, '{'), "real"), ids.Real)
	b = appendID(key(b, "effective"), ids.Effective)
	b = appendID(key(b, "saved"), ids.Saved)
	return append(appendID(key(b, "fs"), ids.FS), '}')
}

func appendCap(b []byte, c Cap) []byte {
	b = keyText(append(b, '{'), "hex", jsonl.Text(c.Hex))
	if len(c.Names) > 0 {
		b = append(key(b, "names"), '[')
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
	b = appendCap(key(append(b, '{'), "inheritable"), c.Inheritable)
	b = appendCap(key(b, "permitted"), c.Permitted)
	b = appendCap(key(b, "effective"), c.Effective)
	b = appendCap(key(b, "bounding"), c.Bounding)
	return append(appendCap(key(b, "ambient"), c.Ambient), '}')
}
