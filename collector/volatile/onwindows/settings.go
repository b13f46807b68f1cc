package onwindows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/registry"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A SettingRow is one value of the registry that matters: its kind says for what. The
// hives themselves are taken by the collector disk; these rows are the answer without
// having to open them.
type SettingRow struct {
	Kind string     `json:"kind"`
	Key  jsonl.Text `json:"key"`
	Name jsonl.Text `json:"name"` // "" is the default value of the key
	Type string     `json:"type"` // REG_SZ, …
	// One of these has the data: texts of the text types, a number of REG_DWORD and
	// REG_QWORD, hexadecimal of all others.
	Text    *jsonl.Text  `json:"text,omitempty"`
	Texts   []jsonl.Text `json:"texts,omitempty"`
	Number  *uint64      `json:"number,omitempty"`
	Hex     string       `json:"hex,omitempty"`
	Written string       `json:"written,omitempty"` // when the key, or a value in it, was last changed
	Odd     string       `json:"odd,omitempty"`     // what is not as the type has it
	Error   string       `json:"error,omitempty"`   // why the data is not all there
	// Cut is the number of bytes of data where only its beginning is here.
	Cut int `json:"cut,omitempty"`
}

// A setting is a place in the registry that is looked at.
type setting struct {
	kind  string
	key   string // `HKLM\…`; with `HKU\*\…` that of every user
	depth int    // levels below the key
	names string // of values, in lower case, divided by commas; "" for all
	row   func(s SettingRow, row func(any))
}

// Bounds: of one setting, and of one value's data in a row.
const (
	maxSettingRows = 1 << 16
	maxSettingData = 64 << 10
)

// putSettings puts a table of settings.
func putSettings(j *job, path string, all []setting) error {
	return j.to.Put(j.ctx, evidence.Item{Path: path, Source: "the registry"}, func(w io.Writer) error {
		if j.ctx.Err() != nil {
			return context.Cause(j.ctx)
		}
		reg, err := registry.Open(j.h)
		if err != nil {
			return err
		}
		defer reg.Close()
		t := jsonl.NewWriter(w)
		var tally evidence.Tally
		var werr error
		for _, s := range all {
			for _, key := range settingKeys(reg, s.key) {
				if j.ctx.Err() != nil {
					return fault.Join(t.Flush(), context.Cause(j.ctx))
				}
				tally.Add(key, s.read(j.ctx, reg, key, func(row any) {
					if werr == nil {
						werr = t.Row(row)
					}
				}))
			}
		}
		if werr != nil {
			return werr
		}
		return fault.Join(t.Flush(), tally.Err())
	})
}

// settingKeys puts every user in the place of `HKU\*`.
func settingKeys(reg *registry.Registry, key string) []string {
	rest, ok := strings.CutPrefix(key, `HKU\*`)
	if !ok {
		return []string{key}
	}
	var out []string
	for _, u := range reg.Users() {
		out = append(out, u.Path+rest)
	}
	return out
}

func (s setting) read(ctx context.Context, reg *registry.Registry, path string, row func(any)) error {
	k, err := reg.Key(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a setting that nobody made
	}
	if err != nil {
		return err
	}
	defer k.Close()
	var names []string
	if s.names != "" {
		names = strings.Split(s.names, ",")
	}
	var tally evidence.Tally
	n := 0
	err = k.Walk(ctx, s.depth, func(k *registry.Key, err error) error {
		if err != nil {
			tally.Add(path, err)
			return nil
		}
		info, _ := k.Info()
		values, err := k.Values()
		tally.Add(k.Path(), err)
		for _, v := range values {
			if names != nil && !slices.Contains(names, strings.ToLower(v.Name)) {
				continue
			}
			if n++; n > maxSettingRows {
				return evidence.Cut("%s: over %d values", path, maxSettingRows)
			}
			r := settingRow(s.kind, k.Path(), v)
			r.Written = stampTime(info.Written)
			if s.row != nil {
				s.row(r, row)
				continue
			}
			row(&r)
		}
		return nil
	})
	tally.Add(path, err)
	return tally.Err()
}

func settingRow(kind, key string, v registry.Value) SettingRow {
	r := SettingRow{Kind: kind, Key: jsonl.Text(key), Name: jsonl.Text(v.Name), Type: v.Type.String(), Odd: v.Odd()}
	if v.Err != nil {
		r.Error = v.Err.Error()
	}
	if len(v.Data) > maxSettingData {
		r.Cut, v.Data = len(v.Data), v.Data[:maxSettingData]
	}
	switch v.Type {
	case registry.SZ, registry.ExpandSZ, registry.Link:
		if s, err := v.Text(); err == nil {
			t := jsonl.Text(s)
			r.Text = &t
			return r
		}
	case registry.MultiSZ:
		if s, err := v.Texts(); err == nil {
			r.Texts = jsonl.Texts(s)
			return r
		}
	case registry.DWORD, registry.DWORDBigEndian, registry.QWORD:
		if n, err := v.QWORD(); err == nil {
			r.Number = &n
			return r
		}
	}
	r.Hex = fmt.Sprintf("%x", v.Data)
	return r
}
