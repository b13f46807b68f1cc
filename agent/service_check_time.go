package main

import (
	"context"
	"crypto/sha256"
	"time"

	"hozen/service/config"
	"hozen/service/remote/witness"
)

// clocks tries who is asked about the time. Who does not answer stops no collection.
func (ch *checker) clocks(ctx context.Context, offline bool) {
	var o collectOptions
	o.asConfigured(ch.c)
	if o.stamp.ca != "" && !ch.judge(o.stamp.ca, config.OnlyOurs(o.stamp.ca), ch.a.text(mCheckFile), ch.a.text(mHintOnlyOurs)) {
		return
	}
	w, err := o.stamp.witness(ch.a)
	if err != nil {
		ch.judge(o.stamp.ca, err, "", ch.a.text(mHintCheckCA))
		return
	}
	if offline {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for i, u := range o.stamp.urls {
		answer, err := witness.Stamp(ctx, sha256.Sum256([]byte("hozen service check")), o.stamp.urls[i:i+1], w)
		if answer == nil {
			answer = &witness.Answer{}
		}
		ch.clock(u, answer.Clock.OffsetMS, err)
	}
	if len(o.ntp) == 0 {
		return
	}
	for _, k := range witness.Clocks(ctx, o.ntp) {
		ch.clock(k.ID, k.OffsetMS, k.Err)
	}
}

func (ch *checker) clock(who string, offset int64, err error) {
	if err != nil {
		ch.say(checkWarning, who, err.Error(), ch.a.text(mHintCheckTime))
		return
	}
	ch.say(checkRight, who, ch.a.text(mCheckTime, offset), "")
}
