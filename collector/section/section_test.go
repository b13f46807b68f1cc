package section

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"hozen/packager/evidence"
)

func TestSectionsComeBackWhole(t *testing.T) {
	names := []string{"/proc/net/tcp", "/proc/1/a b 3 bytes <==", "x\ny", "\xff", `"q"`, "", "é", "a\tb"}
	bodies := []string{"text\n", "", "==> /proc/net/tcp 0 bytes <==\n\n", "\n\n", "\x00\xff"}
	faults := []error{nil, evidence.Cut("longer"), nil, os.ErrPermission}
	var w bytes.Buffer
	var b []byte
	for i, n := range names {
		body := []byte(bodies[i%len(bodies)])
		b = Append(b, n, false, body, faults[i%len(faults)])
		if err := Write(&w, n, body, faults[i%len(faults)]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(b, w.Bytes()) {
		t.Errorf("two ways of writing:\n%s\n%s", b, w.Bytes())
	}
	all, err := Parse(string(b))
	if err != nil || len(all) != len(names) {
		t.Fatalf("%d sections: %v", len(all), err)
	}
	for i, n := range names {
		fault := ""
		if e := faults[i%len(faults)]; e != nil {
			fault = Because(e)
		}
		if want := (Section{Name: n, Data: bodies[i%len(bodies)], Err: fault}); all[i] != want {
			t.Errorf("section %d: %+v, want %+v", i, all[i], want)
		}
	}
}

func TestSectionsPassOnTheWritersError(t *testing.T) {
	const whole = "==> a 3 bytes <==\nabc\n"
	for room := range len(whole) {
		if err := Write(&shortWriter{room}, "a", []byte("abc"), nil); !errors.Is(err, errShort) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

var errShort = errors.New("no room")

type shortWriter struct{ room int }

func (w *shortWriter) Write(b []byte) (int, error) {
	if w.room -= len(b); w.room < 0 {
		return 0, errShort
	}
	return len(b), nil
}

func TestSectionsForm(t *testing.T) {
	raw := Append(nil, "/proc/1/stat", false, []byte("a\n==> /proc/1/x 3 bytes <==\n"), nil)
	raw = Append(raw, "/proc/1/exe", true, []byte("/bin/x bytes <=="), nil)
	raw = Append(raw, "/proc/1/maps", false, []byte("part"), evidence.Cut("longer"))
	raw = Append(raw, "/proc/1/environ", false, nil, os.ErrPermission)
	raw = Append(raw, "/proc/1/empty", false, nil, nil)
	const want = "==> /proc/1/stat 28 bytes <==\na\n==> /proc/1/x 3 bytes <==\n\n" +
		"==> /proc/1/exe link 16 bytes <==\n/bin/x bytes <==\n" +
		"==> /proc/1/maps 4 bytes, skipped: longer <==\npart\n" +
		"==> /proc/1/environ denied: permission denied <==\n" +
		"==> /proc/1/empty 0 bytes <==\n\n"
	if string(raw) != want {
		t.Fatalf("got\n%s\nwant\n%s", raw, want)
	}
	all, err := Parse(want)
	if err != nil || len(all) != 5 {
		t.Fatalf("%+v %v", all, err)
	}
	if all[1] != (Section{Name: "/proc/1/exe", Link: true, Data: "/bin/x bytes <=="}) ||
		all[2] != (Section{Name: "/proc/1/maps", Data: "part", Err: "skipped: longer"}) ||
		all[3] != (Section{Name: "/proc/1/environ", Err: "denied: permission denied"}) {
		t.Errorf("%+v", all)
	}
	for cut := 1; cut < len(want); cut++ {
		part, err := Parse(want[:cut])
		whole := bytes.HasSuffix([]byte(want[:cut]), []byte("\n"))
		if err == nil && !whole {
			t.Errorf("cut at %d: no error, %d sections", cut, len(part))
		}
	}
}

func FuzzSections(f *testing.F) {
	f.Add("==> /proc/1/x 3 bytes <==\na\nb\n==> /proc/1/y denied: no <==\n")
	f.Add("==> /proc/1/x link 3 bytes, failed: x <==\na\nb\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Parse(text)
		if err != nil {
			return
		}
		for _, s := range all {
			if s.Err == "" && !strings.Contains(text, s.Data) {
				t.Errorf("%q gave %+v", text, s)
			}
		}
	})
}
