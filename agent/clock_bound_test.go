package main

import (
	"errors"
	"testing"
	"time"

	"hozen/packager"
	"hozen/service/remote"
	"hozen/service/remote/witness"
)

// The bound is one that all clocks allow; clocks that cannot all be right give none.
func TestBoundOfClocks(t *testing.T) {
	clock := func(offset, unsure time.Duration) witness.Clock {
		return witness.Clock{ClockSource: packager.ClockSource{OffsetMS: offset.Milliseconds()}, MaxError: offset.Abs() + unsure}
	}
	silent := clock(24*time.Hour, 0)
	silent.Err = errors.New("silent")
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		clocks []witness.Clock
		most   time.Duration
		agree  bool
	}{
		"one":                {[]witness.Clock{clock(90*time.Second, 5*ms)}, 90*time.Second + 5*ms, true},
		"two that agree":     {[]witness.Clock{clock(10*ms, 5*ms), clock(-2*ms, 20*ms)}, 22 * ms, true},
		"one lies":           {[]witness.Clock{clock(0, ms), clock(24*time.Hour, ms)}, 24*time.Hour + ms, false},
		"a third in between": {[]witness.Clock{clock(0, ms), clock(time.Second, 2*time.Second), clock(9*time.Second, ms)}, 9*time.Second + ms, false},
		"silence is nothing": {[]witness.Clock{clock(0, ms), silent}, ms, true},
	} {
		if most, agree := boundOf(c.clocks); agree != c.agree || agree && most != c.most {
			t.Errorf("%s: %v, %v", name, most, agree)
		}
	}
}

// A measurement of the hub's clock does not outlive a change of this machine's.
func TestHubClockAfterOursWasSet(t *testing.T) {
	for moved, fails := range map[time.Duration]bool{0: false, 300 * time.Millisecond: false, time.Hour: true, -time.Hour: true} {
		c := &collection{o: collectOptions{hubClock: func() (remote.Clock, bool) { return remote.Clock{Hub: "h", Moved: moved}, true }}}
		if got := c.hubClock(); len(got) != 1 || (got[0].Err != nil) != fails {
			t.Errorf("%v: %+v", moved, got)
		}
	}
}
