package volatile

import (
	"bytes"
	"testing"
)

func TestSectionsComeBackWhole(t *testing.T) {
	names := []string{"/proc/net/tcp", "/proc/1/a b 3 bytes <==", "x\ny", "\xff", `"q"`, ""}
	bodies := []string{"text\n", "", "==> /proc/net/tcp 0 bytes <==\n\n", "\n\n", "\x00\xff"}
	var b bytes.Buffer
	for i, n := range names {
		if err := writeSection(&b, n, []byte(bodies[i%len(bodies)])); err != nil {
			t.Fatal(err)
		}
	}
	rest := b.Bytes()
	for i, n := range names {
		name, body, more, ok := nextSection(rest)
		if !ok || name != n || string(body) != bodies[i%len(bodies)] {
			t.Fatalf("section %d: %q %q %v", i, name, body, ok)
		}
		rest = more
	}
	if len(rest) != 0 {
		t.Errorf("%d bytes left", len(rest))
	}
}

func FuzzSections(f *testing.F) {
	f.Add([]byte("==> /proc/net/tcp 3 bytes <==\nabc\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			_, body, rest, ok := nextSection(b)
			if !ok {
				return
			}
			if len(body)+len(rest) >= len(b) {
				t.Fatal("more came out than went in")
			}
			b = rest
		}
	})
}
