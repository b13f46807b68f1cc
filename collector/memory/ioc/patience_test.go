package ioc

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"hozen/packager/evidence"
)

func TestWhatNeverAnswersIsLeftBehind(t *testing.T) { synctest.Test(t, neverAnswers) }

func neverAnswers(t *testing.T) {
	ctx := context.Background()
	var p pulse
	if n, err := patiently(ctx, &p, time.Minute, func() (int, error) { return 7, nil }); n != 7 || err != nil || p.abandoned.Load() {
		t.Errorf("%d %v", n, err)
	}
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	_, err := patiently(ctx, &p, time.Millisecond, func() (int, error) { <-never; return 0, nil })
	if o, _, short := evidence.Classify(err, 0); o != evidence.Skipped || !short || !p.abandoned.Load() {
		t.Errorf("%v", err)
	}
	var q pulse
	want := errors.New("the end")
	_, err = patiently(ctx, &q, 200*time.Millisecond, func() (int, error) {
		for range 100 { // longer than the patience, but alive
			q.beat()
			time.Sleep(5 * time.Millisecond)
		}
		return 0, want
	})
	if err != want {
		t.Errorf("%v: one that goes on was left behind", err)
	}
	if _, err := patiently(ctx, &q, time.Minute, func() (int, error) { panic("x") }); err == nil {
		t.Error("a panic is no error")
	}
}
