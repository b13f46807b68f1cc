package service

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hozen/service/audit"
	"hozen/service/job"
	"hozen/service/ledger"
)

// A veto stops what runs; what was taken is sealed.
func TestVetoStopsWhatRuns(t *testing.T) {
	b := newBench(t)
	b.takes.wait = make(chan struct{})
	b.start()
	id, envelope := b.job(nil)
	b.hub.send(envelope)
	b.until(id, "started")
	b.write("veto", "")
	b.until(id, "sealed")
	b.hub.until(t, vetoBegan)
}

// A veto that comes while a collection is on its way finds nothing that runs, and stops
// it as soon as it does.
func TestVetoStopsWhatIsOnItsWay(t *testing.T) {
	b := newBench(t)
	tried, goOn := make(chan struct{}), make(chan struct{})
	b.try = sync.OnceFunc(func() { close(tried); <-goOn })
	b.takes.wait = make(chan struct{})
	b.start()
	id, envelope := b.job(nil)
	b.hub.send(envelope)
	<-tried
	b.write("veto", "")
	b.hub.until(t, vetoBegan)
	close(goOn)
	b.until(id, "sealed")
}

func vetoBegan(e audit.Entry) bool { return e.Event == audit.Vetoed && e.Reason == "begun" }

// What a vetoed collection has not done yet it does not do afterwards: it does not isolate,
// though the file is gone when it ends.
func TestVetoHoldsIsolationBack(t *testing.T) {
	for name, stays := range map[string]bool{"the file stays": true, "the file goes": false} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.takes.wait, b.takes.noSafe = make(chan struct{}), true
			b.cut = &fakeIsolation{}
			if !stays {
				b.takes.stopped = func() { b.remove("veto") }
			}
			b.start()
			id, envelope := b.job(func(j *job.Job) { j.Params.IsolateS = 3600 })
			b.hub.send(envelope)
			b.until(id, "started")
			b.write("veto", "")
			b.until(id, "sealed")
			if e := b.until(id, "failed"); e.Reason != "isolation" || len(b.cut.on) != 0 {
				t.Errorf("isolated %d times in spite of the veto: %+v", len(b.cut.on), e)
			}
		})
	}
}

// A veto that is there when the checkpoint comes, and is not seen yet, holds isolation back.
func TestVetoAtTheCheckpoint(t *testing.T) {
	b := newBench(t)
	b.cut = &fakeIsolation{}
	b.try = func() { b.write("veto", "") }
	b.start()
	id, envelope := b.job(func(j *job.Job) { j.Params.IsolateS = 3600 })
	b.hub.send(envelope)
	b.until(id, "sealed")
	if len(b.cut.on) != 0 {
		t.Errorf("isolated %d times in spite of the veto", len(b.cut.on))
	}
}

// What a restart takes up: isolation is held back by a veto, a release that had begun is not.
func TestVetoAtRestart(t *testing.T) {
	for action, event := range map[string]string{job.Isolate: "failed", job.Rejoin: "done"} {
		t.Run(action, func(t *testing.T) {
			b := newBench(t)
			b.cut = &fakeIsolation{}
			b.open()
			id, envelope := b.job(func(j *job.Job) {
				if j.Action, j.Profile = action, (job.Profile{}); action == job.Isolate {
					j.Params = job.Params{IsolateS: 60}
				}
			})
			if err := b.Handle(t.Context(), []byte(envelope)); err != nil {
				t.Fatal(err)
			}
			if err := b.Ledger.Move(id, ledger.Started, "", "", time.Now()); err != nil {
				t.Fatal(err)
			}
			b.close()
			b.write("veto", "")
			b.start()
			b.until(id, event)
			if on, off := len(b.cut.on), b.cut.off; on != 0 || (off == 1) != (action == job.Rejoin) {
				t.Errorf("isolated %d times, released %d times", on, off)
			}
		})
	}
}

// Isolation that a collection asked for, and that died with it, is not taken up, either.
func TestVetoAtRestartOfCollection(t *testing.T) {
	b := newBench(t)
	b.takes.die, b.cut = true, &fakeIsolation{}
	b.start()
	id, envelope := b.job(func(j *job.Job) { j.Params.IsolateS = 3600 })
	b.hub.send(envelope)
	b.until(id, "started")
	<-b.takes.died
	b.stop()
	b.takes.die = false
	b.write("veto", "")
	b.start()
	b.until(id, "partial")
	if e := b.until(id, "failed"); e.Reason != "isolation" || len(b.cut.on) != 0 {
		t.Errorf("isolated %d times in spite of the veto: %+v", len(b.cut.on), e)
	}
}

// Who cancels a collection does not want the isolation that it asked for, either.
func TestCancelledCollectionDoesNotIsolate(t *testing.T) {
	b := newBench(t)
	b.takes.wait, b.takes.noSafe = make(chan struct{}), true
	b.cut = &fakeIsolation{}
	b.start()
	id, envelope := b.job(func(j *job.Job) { j.Params.IsolateS = 3600 })
	b.hub.send(envelope)
	b.until(id, "started")
	other, envelope := b.job(func(j *job.Job) { j.Action, j.Profile, j.Params = job.Cancel, job.Profile{}, job.Params{Job: id} })
	b.hub.send(envelope)
	b.until(other, "done")
	b.until(id, "sealed")
	if e := b.until(id, "failed"); e.Reason != "isolation" || len(b.cut.on) != 0 {
		t.Errorf("isolated %d times, though it was cancelled: %+v", len(b.cut.on), e)
	}
}

// Nor does a restart take isolation up that was called off before it: whether the cancellation
// was done by then or had only come.
func TestCancelledBeforeRestart(t *testing.T) {
	for _, done := range []bool{true, false} {
		t.Run(fmt.Sprintf("done %v", done), func(t *testing.T) {
			b := newBench(t)
			b.takes.die, b.cut = true, &fakeIsolation{}
			b.start()
			id, envelope := b.job(func(j *job.Job) { j.Params.IsolateS = 3600 })
			b.hub.send(envelope)
			b.until(id, "started")
			<-b.takes.died
			b.stop()
			b.takes.die = false
			b.open()
			other, envelope := b.job(func(j *job.Job) { j.Action, j.Profile, j.Params = job.Cancel, job.Profile{}, job.Params{Job: id} })
			if err := b.Handle(t.Context(), []byte(envelope)); err != nil {
				t.Fatal(err)
			}
			if done {
				b.cancelled(other)
			}
			b.close()
			b.start()
			e := b.until(id, "partial")
			if !strings.Contains(e.Text, "cancelled by") {
				t.Errorf("why it ended: %q", e.Text)
			}
			if e := b.until(id, "failed"); e.Reason != "isolation" || len(b.cut.on) != 0 {
				t.Errorf("isolated %d times, though it was cancelled: %+v", len(b.cut.on), e)
			}
		})
	}
}

// cancelled does the cancellation id as far as the agent gets before it is killed.
func (b *bench) cancelled(id string) {
	b.t.Helper()
	s := <-b.immediate
	if err := b.Ledger.Move(id, ledger.Started, "", "", time.Now()); err != nil {
		b.t.Fatal(err)
	}
	if err := b.cancel(s); err == nil {
		b.t.Error("cancelled, though nothing runs")
	}
	if err := b.Ledger.Move(id, ledger.Done, "", "", time.Now()); err != nil {
		b.t.Fatal(err)
	}
}
