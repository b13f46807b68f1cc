package disk

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"hozen/packager/evidence"
)

// The line that is made by hand is the one that encoding/json makes, whichever fields
// are there.
func TestRowJSON(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		r := FileRow{Outcome: evidence.Outcomes()[random.IntN(6)]}
		v := reflect.ValueOf(&r).Elem()
		for i := range v.NumField() {
			if random.IntN(2) == 0 || v.Type().Field(i).Name == "Outcome" {
				continue
			}
			switch f := v.Field(i); f.Kind() {
			case reflect.String:
				f.SetString([]string{"a", "b\n\"<&>", "\xff\x00", "日本"}[random.IntN(4)])
				if _, plain := f.Interface().(string); plain {
					f.SetString("plain")
				}
			case reflect.Bool:
				f.SetBool(true)
			case reflect.Uint32, reflect.Uint64:
				f.SetUint(uint64(random.Uint32()))
			case reflect.Int64:
				f.SetInt(random.Int64() - 1<<62)
			case reflect.Slice:
				f.Set(reflect.ValueOf([]string{"one", "two"}[:1+random.IntN(2)]))
			default:
				t.Fatalf("field %s of a kind that this test does not fill", v.Type().Field(i).Name)
			}
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		must(t, enc.Encode(&r))
		if got := r.json(); string(got)+"\n" != want.String() {
			t.Fatalf("%s, want %s", got, want.String())
		}
	}
}

func TestStamp(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 1), time.Unix(1<<33, 999_999_999), time.Unix(-1<<33, 0), time.Unix(1<<40, 5), time.Unix(-1<<40, 5), time.Date(2026, 11, 9, 3, 4, 5, 60, time.FixedZone("x", 3600))} {
		if got, want := stamp(at), at.UTC().Format("2006-01-02T15:04:05.000000000Z"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := stamp(time.Time{}); got != "" {
		t.Errorf("no time is %q", got)
	}
}
