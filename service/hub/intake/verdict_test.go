package intake

import (
	"testing"

	"hozen/packager"
)

// Nobody may read in a receipt that cipher text is whole which was not sealed.
func TestReceiptOfCutCipherText(t *testing.T) {
	for _, c := range []struct {
		verdict packager.Verdict
		sealed  bool
		want    string
	}{
		{packager.ValidOuter, true, "VALID-OUTER"}, {packager.ValidOuter, false, "VALID-PARTIAL"},
		{packager.Valid, true, "VALID"}, {packager.Invalid, false, "INVALID"},
	} {
		if got := receiptVerdict(&packager.Report{Verdict: c.verdict, Sealed: c.sealed}); got != c.want {
			t.Errorf("%s, sealed %v: %s", c.verdict, c.sealed, got)
		}
	}
}
