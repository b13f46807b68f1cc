package main

import (
	"strings"
	"testing"

	"hozen/packager"
)

// Where the device is believed and somebody else is not, no more is said of the bytes than
// without him: not that all of them are the device's where the end is missing, or was not seen.
func TestNotBelievedBesideTheDevice(t *testing.T) {
	sealed, seen := &packager.Seal{}, &packager.Genesis{}
	for _, c := range []struct {
		name    string
		r       packager.Report
		all     bool
		meaning string
	}{
		{"sealed", packager.Report{Seal: sealed, Genesis: seen}, true, "The bytes are what the holder of the device key wrote."},
		{"interrupted", packager.Report{Genesis: seen, Checkpoint: 3}, false, "checkpoint 3"},
		{"not opened", packager.Report{Encrypted: true, Checkpoint: 3}, false, "custody log"},
	} {
		c.r.Verdict, c.r.Axes.Signer = packager.UntrustedSigner, "trusted"
		a := &app{}
		var said strings.Builder
		a.printProof(&said, &c.r)
		if !strings.Contains(said.String(), c.meaning) || !strings.Contains(said.String(), "not believed here") {
			t.Errorf("%s: %s", c.name, said.String())
		}
		if got := strings.Contains(said.String(), "The bytes are what") && strings.Contains(a.verdictText(&c.r), "Unchanged"); got != c.all {
			t.Errorf("%s: %s\n%s", c.name, a.verdictText(&c.r), said.String())
		}
	}
}
