package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/packager"
	"hozen/service"
	"hozen/service/config"
	"hozen/service/remote"
)

// What the configuration says of the time stops no collection, and waits less while the
// machine is switched off. The hub's clock, which nobody is asked for, is evidence too.
func TestOrderTellsTheTime(t *testing.T) {
	dir, root := t.TempDir(), emptyHost(t)
	a, _, _ := testApp()
	a.host = func(string) *collector.Host { return hostAt(root) }
	c := config.Default()
	c.Timestamp = config.Timestamp{TSA: []string{"https://tsa.invalid/"}, CA: filepath.Join(dir, "nowhere.pem")}
	clock := func() (remote.Clock, bool) {
		return remote.Clock{Hub: "soc\n1", Offset: -1500 * time.Millisecond, RTT: 10 * time.Millisecond, Asked: time.Now()}, true
	}
	makes := &orders{a: a, out: dir, config: c, hubClock: clock}
	o := service.Order{Trigger: "shutdown", Profile: "volatile"}
	if at := makes.options(o).stamp.limit(); at != shutdownTime {
		t.Errorf("a shutdown waits %v", at)
	}
	r := makes.Collect(context.Background(), o, service.Moments{})
	if r.Archive == "" {
		t.Fatalf("%+v", r)
	}
	log, err := packager.ReadLogFile(r.Log)
	if err != nil {
		t.Fatal(err)
	}
	events, _, err := packager.ReadLog(log)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(events, func(e packager.Event) bool { return e.Event == "clock" })
	if at < 0 || len(events[at].Time.Sources) != 1 || events[at].Time.Sources[0] != (packager.ClockSource{Kind: "hub", ID: `soc\n1`, OffsetMS: -1500, RTTMS: 10}) || events[at].Time.MaxErrorMS != 1505 {
		t.Errorf("event %d of %d: %+v", at, len(events), events[max(at, 0)].Time)
	}
	last := events[len(events)-1]
	if last.Event != "timestamp_failed" || !strings.Contains(last.Fact("error"), "nowhere.pem") {
		t.Errorf("%+v", last)
	}
}

// A collection that somebody starts on this machine is encrypted to whom the configuration names.
func TestServiceCollectIsEncrypted(t *testing.T) {
	a, _, _ := testApp()
	root := emptyHost(t)
	a.host = func(string) *collector.Host { return hostAt(root) }
	var o collectOptions
	c := config.Default()
	c.EncryptTo = []string{"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"}
	o.asConfigured(c)
	o.out, o.root, o.profile, o.quiet = t.TempDir(), "/", "volatile", true
	if err := a.collect(context.Background(), o); codeOf(err) != exitWhole && codeOf(err) != exitShort {
		t.Fatal(err)
	}
	if found, err := filepath.Glob(filepath.Join(o.out, "*.tar.zst.age")); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}
