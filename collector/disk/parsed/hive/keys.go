package hive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"hozen/collector/disk/parsed"
	"hozen/collector/jsonl"
	"hozen/collector/registry"
	"hozen/collector/registry/hive"
)

// Limits of one row. The whole is in the raw file.
const (
	maxValues = 4096     // in one row
	maxRow    = 1 << 20  // bytes of data of its values
	maxText   = 8 << 10  // bytes of the data of a text: 4096 units
	maxBinary = 1 << 10  // bytes of other data
	maxData   = 64 << 20 // bytes of data of one value that are hashed
)

// writer makes the rows of keys.
type writer struct {
	ctx  context.Context
	emit parsed.Emit
	left int64 // bytes of data that may still be read
	// values that may still be looked at: keys by the thousand could share one long list.
	values int64
}

// walk makes the rows of a key and of all below it.
func (w *writer) walk(k *hive.Key, path string) error {
	if err := w.ctx.Err(); err != nil {
		return context.Cause(w.ctx)
	}
	row := w.row(k)
	row.Key = textOf(path)
	if err := w.emit(row); err != nil {
		return err
	}
	for below := range k.Subkeys() {
		at := below.Name
		if path != "" {
			at = path + `\` + below.Name
		}
		if err := w.walk(below, at); err != nil {
			return err
		}
	}
	return nil
}

// deleted makes the rows of keys in free cells.
func (w *writer) deleted(h *hive.Hive) error {
	for k := range h.Deleted() {
		if w.ctx.Err() != nil {
			return context.Cause(w.ctx)
		}
		row := w.row(k)
		path, whole := k.Where()
		row.Key, row.Deleted, row.Detached = textOf(path), true, !whole
		if err := w.emit(row); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) row(k *hive.Key) KeyRow {
	const latin = 0x20
	row := KeyRow{
		Kind: "key", Written: moment(k.LastWrite), Class: textOf(k.Class()),
		Offset: k.Position(), Flags: k.Flags &^ latin,
	}
	room, n := int64(maxRow), int64(0)
	for v := range k.Values() {
		if w.ctx.Err() != nil {
			break
		}
		if w.values--; w.values < 0 {
			row.ValuesLeft += max(0, int64(k.Count)-n)
			break
		}
		if n++; n > maxValues || room <= 0 {
			row.ValuesLeft++
			if row.ValuesLeft > 1<<20 {
				break // more than this are no values of a key
			}
			continue
		}
		value := w.value(v)
		room -= value.weight()
		row.Values = append(row.Values, value)
	}
	return row
}

// weight is about what a value costs in a row.
func (v *ValueRow) weight() int64 {
	n := len(v.Name) + len(v.Data)
	if v.Text != nil {
		n += len(*v.Text)
	}
	for _, t := range v.Texts {
		n += len(t)
	}
	return int64(n)
}

// value makes the row of a value.
func (w *writer) value(v *hive.Value) ValueRow {
	t := registry.Type(v.Type)
	row := ValueRow{Name: textOf(v.Name), Type: t.String(), Size: int64(v.Size)}
	if w.left < 0 {
		row.Error = "not read: the data of all values are longer than the file could hold"
		return row
	}
	data, err := v.Read(maxData)
	w.left -= int64(len(data))
	if err != nil && !errors.Is(err, hive.ErrLimit) {
		row.Error = jsonl.Text(err.Error())
	}
	limit := maxBinary
	switch t {
	case registry.SZ, registry.ExpandSZ, registry.Link, registry.MultiSZ:
		limit = maxText
	}
	value := registry.Value{Name: v.Name, Type: t, Data: data, Size: int64(v.Size)}
	row.Odd = value.Odd()
	if len(data) > limit {
		sum := sha256.Sum256(data)
		row.Cut, row.SHA256 = true, hex.EncodeToString(sum[:])
		value.Data = cutText(data[:limit], limit == maxText)
	}
	if err != nil && errors.Is(err, hive.ErrLimit) {
		row.Cut, row.SHA256, row.Error = true, "", "longer than the limit: not hashed"
	}
	row.set(value)
	return row
}

// cutText leaves out a half of a pair that the cut made.
func cutText(b []byte, text bool) []byte {
	if n := len(b); text && n >= 2 && b[n-1]&0xfc == 0xd8 {
		return b[:n-2]
	}
	return b
}

// set puts the data where their type has them.
func (row *ValueRow) set(v registry.Value) {
	switch v.Type {
	case registry.SZ, registry.ExpandSZ, registry.Link:
		if text, err := v.Text(); err == nil {
			t := textOf(text)
			row.Text = &t
		}
	case registry.MultiSZ:
		if texts, err := v.Texts(); err == nil {
			row.Texts = jsonl.Texts(texts)
		}
	case registry.DWORD, registry.DWORDBigEndian, registry.QWORD:
		if n, err := v.QWORD(); err == nil {
			row.Number = &n
		}
	}
	if row.Text == nil && row.Texts == nil && row.Number == nil || row.Odd != "" {
		row.Data = v.Data[:min(len(v.Data), maxBinary)]
		if len(row.Data) < len(v.Data) && !row.Cut {
			sum := sha256.Sum256(v.Data)
			row.Cut, row.SHA256 = true, hex.EncodeToString(sum[:])
		}
	}
}
