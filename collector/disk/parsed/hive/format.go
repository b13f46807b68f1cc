package hive

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hozen/collector/disk/parsed"
	"hozen/collector/jsonl"
	"hozen/collector/registry/hive"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Format is that of registry hives. Those that Windows keeps for its own updates
// (COMPONENTS) are not parsed: they tell nothing of what was done, and are the largest.
func Format() parsed.Format {
	return parsed.Format{
		Name: "hive", Doc: "registry hives: every key with its time and values, deleted ones too",
		Takes:   takes,
		MaxFile: 1 << 30,
		Rows:    rows,
	}
}

func takes(f *parsed.File) bool {
	if f.HasExt(".hve") || f.IsNamed("NTUSER.DAT", "NTUSER.MAN", "UsrClass.dat") {
		return true
	}
	path := strings.ToLower(f.Path)
	switch {
	case strings.Contains(path, "/config/"):
		return f.IsNamed("SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT", "DRIVERS", "ELAM", "BBI", "VSMIDK", "userdiff")
	case f.IsNamed("BCD"):
		return strings.HasSuffix(path, "/boot/bcd")
	case f.IsNamed("settings.dat"):
		return strings.HasSuffix(path, "/settings/settings.dat") // of an application from the store
	}
	return false
}

func rows(ctx context.Context, src *parsed.Source, emit parsed.Emit) error {
	r, size := src.ReaderAt()
	var logs []hive.Log
	for _, end := range []string{".LOG1", ".LOG2", ".LOG"} {
		if beside := src.Beside(src.Base() + end); beside != nil {
			r, size := beside.ReaderAt()
			logs = append(logs, hive.Log{Name: beside.Path, R: r, Size: size})
		}
	}
	h, err := hive.Open(r, size, logs...)
	if err != nil {
		if errors.Is(err, hive.ErrNoHive) {
			return &parsed.Unparsable{Err: err}
		}
		return err
	}
	// Values whose data are the same bytes are no room for more than a few times the file.
	w := &writer{ctx: ctx, emit: emit, left: 4*size + 1<<20, values: size/8 + 1<<16}
	root, err := h.Root()
	if e := emit(headRow(h, root)); e != nil {
		return e
	}
	if err == nil {
		err = w.walk(root, "")
	} else {
		err = &parsed.Unparsable{Err: err}
	}
	var gave *parsed.Unparsable
	if err == nil || errors.As(err, &gave) {
		err = fault.Join(err, w.deleted(h))
	}
	if ctx.Err() == nil {
		h.CheckBins()
		err = fault.Join(err, damage(h, src, emit))
	}
	if err == nil && (w.left < 0 || w.values < 0) {
		err = evidence.Cut("the values of all keys are more, or longer, than the file could hold: those behind are not read")
	}
	return err
}

// damage makes rows of what is wrong with the file.
func damage(h *hive.Hive, src *parsed.Source, emit parsed.Emit) error {
	all, n := h.Damage()
	for _, d := range all {
		src.Damaged(fmt.Errorf("at %d: %s", d.Offset, d.What))
		if err := emit(DamageRow{Kind: "damage", Offset: d.Offset, What: d.What}); err != nil {
			return err
		}
	}
	for range n - len(all) {
		src.Damaged(errors.New("more"))
	}
	return nil
}

func textOf(s string) jsonl.Text { return jsonl.Text(s) }
