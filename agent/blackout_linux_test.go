package main

import (
	"context"
	"testing"

	"hozen/collector"
	"hozen/packager/secret/secrettest"
)

// During a whole run of the command nothing of any of its private keys is in its
// memory while a step looks there; before that step, keys are.
func TestCollectHidesItsKeys(t *testing.T) {
	secrettest.NeedSearch(t)
	for _, throwaway := range []bool{false, true} {
		h := secrettest.NewHoard()
		dir := t.TempDir()
		args := []string{"collect", "--profile", "full", "--root", emptyHost(t), "--out", dir}
		if !throwaway {
			args = append(args, "--key", newKey(t, h))
		}
		a, stdout, stderr := testApp(args...)
		a.random = h
		var found, inUse []string
		var searched int64
		look := func(found *[]string) func() {
			return func() {
				var err error
				if *found, searched, err = h.Search(); err != nil {
					t.Error(err)
				}
			}
		}
		a.collectors = func(request) []collector.Collector {
			lit := darkCollectors(look(&inUse))(request{})
			lit[len(lit)-1].Name, lit[len(lit)-1].Blackout = "lit", false
			return append(lit, darkCollectors(look(&found))(request{})[3:]...)
		}
		code := a.run(context.Background())
		if code != exitWhole && throwaway {
			t.Logf("the throw-away key had no place to go:\n%s", stdout)
			continue
		}
		if len(inUse) != 2 { // the device's and the next session's seed
			t.Errorf("of %d keys found %q while they were in use", h.Seeds(), inUse)
		}
		if len(found) > 0 || searched < 1<<20 || h.Seeds() < 5 {
			t.Errorf("exit code %d, throw-away %v: of %d keys found %q in %d bytes\n%s%s", code, throwaway, h.Seeds(), found, searched, stdout, stderr)
		}
	}
}
