package proc

import (
	"testing"
)

func TestEscapes(t *testing.T) {
	for in, want := range map[string]string{
		`a\040b`: "a b", `\134\012`: "\\\n", `\04`: `\04`, `\400`: `\400`, `\08x`: `\08x`, `\377`: "\xff", `x\`: `x\`, "plain": "plain",
	} {
		if got := UnescapeOctal(in); got != want {
			t.Errorf("octal %q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		`a\x20b`: "a b", `\x5Cn\x5c`: `\n\`, `\x2`: `\x2`, `\xzz`: `\xzz`, `\xff`: "\xff", `\x+1`: `\x+1`, `x\`: `x\`, `a-b`: "a-b",
	} {
		if got := UnescapeHex(in); got != want {
			t.Errorf("hex %q: %q, want %q", in, got, want)
		}
	}
}
