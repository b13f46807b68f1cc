package main

import (
	"context"
	"strings"
	"time"

	"hozen/service/install"
)

// Words of the status that the service manager is told, after install.IdleStatus or what is
// being collected. `hozen service status` says them in the reader's language.
const (
	standsCollecting = "collecting "
	standsIsolated   = "isolated until "
	standsVetoed     = "vetoed"
	standsBetween    = ", "
)

// standingEvery is how often the service looks whether it is isolated or vetoed: others than
// it can do both.
const standingEvery = 2 * time.Second

// standing is what the service does, and what keeps it from doing more.
func (r *resident) standing() string {
	all := []string{install.IdleStatus}
	if c := r.doing.Load(); c != nil && *c != "" {
		all[0] = standsCollecting + *c
	}
	if until := r.machine.Until(); until != "" {
		all = append(all, standsIsolated+until)
	}
	if r.Policy.Vetoed() {
		all = append(all, standsVetoed)
	}
	return strings.Join(all, standsBetween)
}

func (r *resident) tellStanding() {
	s := r.standing()
	if old := r.told.Swap(&s); old == nil || *old != s {
		install.Tell(s)
	}
}

// watchStanding keeps the service manager's word right until ctx ends.
func (r *resident) watchStanding(ctx context.Context) {
	t := time.NewTicker(standingEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			r.tellStanding()
		}
	}
}

// standingText is what the service told, in the reader's words and on one line each.
func (a *app) standingText(told string) (lines []string) {
	for word := range strings.SplitSeq(told, standsBetween) {
		collection, collecting := strings.CutPrefix(word, standsCollecting)
		until, isolated := strings.CutPrefix(word, standsIsolated)
		switch {
		case word == install.IdleStatus:
			word = a.text(mStandsIdle)
		case collecting:
			word = a.text(mStandsCollecting, escape(collection))
		case isolated:
			word = a.text(mStandsIsolated, shortTime(until, time.Local))
		case word == standsVetoed:
			word = a.text(mStandsVetoed)
		default:
			word = escape(word)
		}
		lines = append(lines, word)
	}
	return lines
}
