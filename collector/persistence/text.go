package persistence

import (
	"encoding/base64"
	"fmt"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/registry"
)

// maxRaw bounds the data of a value that are given in base64.
const maxRaw = 64 << 10

// A ValueRow is a value of the registry.
type ValueRow struct {
	Name jsonl.Text `json:"name"`
	Type string     `json:"type,omitempty"`
	// Data is text up to its first NUL, the texts of a list one a line, or a number; for
	// other types it is left out.
	Data jsonl.Text `json:"data,omitempty"`
	Raw  string     `json:"raw,omitempty"`  // the data in base64, where Data does not say all of them
	Size int64      `json:"size,omitempty"` // of the data in bytes, where Raw has less
	Odd  string     `json:"odd,omitempty"`  // what is not as its type promises
	// Reason says why the data are not all there.
	Reason jsonl.Text `json:"reason,omitempty"`
}

func valueRow(v registry.Value) ValueRow {
	row := ValueRow{Name: jsonl.Text(v.Name), Type: v.Type.String(), Odd: v.Odd()}
	text, ok := valueText(v)
	row.Data = cut(text)
	if !ok || row.Odd != "" || len(text) > maxText {
		row.Raw = base64.StdEncoding.EncodeToString(v.Data[:min(len(v.Data), maxRaw)])
		if v.Size > maxRaw {
			row.Size = v.Size
		}
	}
	if v.Err != nil {
		row.Reason = jsonl.Text(v.Err.Error())
	}
	return row
}

// valueText gives the data as text; false for types that are none.
func valueText(v registry.Value) (string, bool) {
	switch v.Type {
	case registry.SZ, registry.ExpandSZ, registry.Link, registry.MultiSZ:
		texts, err := v.Texts()
		return strings.Join(texts, "\n"), err == nil
	case registry.DWORD, registry.DWORDBigEndian, registry.QWORD:
		n, err := v.QWORD()
		return fmt.Sprint(n), err == nil
	}
	return "", false
}

// hidden says whether a name has a NUL in it, which Windows' own tools cannot show.
func hidden(name string) bool { return strings.ContainsRune(name, 0) }
