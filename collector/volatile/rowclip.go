package volatile

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"hozen/collector/proc"
)

// Bounds of the host's text in a row of sessions.jsonl, containers.jsonl and
// containers/pods.jsonl. Who writes that text may be hostile, and one value may
// be told in hundreds of rows; the raw texts have the whole.
const (
	maxRowText = 4 << 10  // one string
	maxRowList = 16 << 10 // all strings of one field that is a list, and rowElement for each element
	rowElement = 16
)

// clipRow shortens the fields of a row (a pointer to a struct) that are longer
// than the bounds, and gives their names as they are in JSON.
func clipRow(row any) (cut []string) {
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		left := maxRowList
		if clipValue(v.Field(i), &left) {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			cut = append(cut, name)
		}
	}
	return cut
}

// clipValue shortens one value in place, takes its length from left, and says
// whether it was shortened. Lists of numbers stay as they are.
func clipValue(v reflect.Value, left *int) (cut bool) {
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); len(s) > maxRowText {
			v.SetString(clipText(s))
			cut = true
		}
		*left -= v.Len()
	case reflect.Struct:
		for i := range v.NumField() {
			cut = clipValue(v.Field(i), left) || cut
		}
	case reflect.Slice:
		if k := v.Type().Elem().Kind(); k != reflect.String && k != reflect.Struct {
			return false
		}
		for i := range v.Len() {
			*left -= rowElement
			cut = clipValue(v.Index(i), left) || cut
			if *left < 0 {
				short := reflect.MakeSlice(v.Type(), i, i) // so that the rest can be freed
				reflect.Copy(short, v)
				v.Set(short)
				return true
			}
		}
	}
	return cut
}

// clipText gives the beginning of s, at most maxRowText bytes and no half of a
// character, as a copy, so that it does not keep the whole in memory.
func clipText(s string) string {
	n := min(len(s), maxRowText)
	for back := n; back < len(s) && back > n-utf8.UTFMax && back > 0; back-- {
		if utf8.RuneStart(s[back]) {
			n = back
			break
		}
	}
	return strings.Clone(s[:n])
}

// addNames adds names that are not in a list yet.
func addNames(list []string, more ...string) []string {
	for _, name := range more {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// clipError shortens the words of a parser, which may quote all that it read.
func clipError(err error) error {
	if err == nil || len(err.Error()) <= 512 {
		return err
	}
	return errors.New(proc.Clip(err.Error()))
}
