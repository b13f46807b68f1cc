package isolate

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager/signed"
)

// fake is a kernel with one table of somebody else, that may refuse, lie, or be killed.
type fake struct {
	ours    bool
	left    time.Duration
	refuse  error // of Replace
	keeps   bool  // Replace says yes and does nothing
	meddler bool  // somebody changes another table meanwhile
	sum     string
	wants   []*Want
	changes uint32 // 0: it does not count
	rule    string // of somebody, among ours
	after   func() // after each Replace: somebody else
}

func (f *fake) Read(context.Context) (Ruleset, error) {
	r := Ruleset{Changes: f.changes, Tables: []TableDump{{Family: "ip", Name: "x", SHA256: f.sum, Text: "table ip x\n"}}}
	if f.ours {
		r.Tables = append(r.Tables, TableDump{Family: "inet", Name: Table, SHA256: "1" + f.rule, Ours: true, Left: f.left})
	}
	return r, nil
}

func (f *fake) Replace(_ context.Context, w *Want) ([]string, error) {
	f.wants = append(f.wants, w)
	if f.refuse != nil {
		return nil, f.refuse
	}
	if f.meddler {
		f.sum += "x"
	}
	if f.changes > 0 {
		f.changes, f.rule = f.changes+1, ""
	}
	if f.after != nil {
		defer f.after()
	}
	if f.keeps {
		return nil, nil
	}
	f.ours = w != nil
	if !f.ours {
		return nil, nil
	}
	f.left = w.Left
	return []string{"a part"}, nil
}

func (f *fake) Around(context.Context, []netip.AddrPort) (Around, error) {
	return Around{Links: []string{"eth0"}, Outside: []string{"a place"}, Warnings: []string{"a lease"}}, nil
}

// clock is a machine of a fake kernel and a clock that the test moves.
func clock(t *testing.T) (*Machine, *fake, *time.Time) {
	f := &fake{sum: "0"}
	now := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	return &Machine{File: filepath.Join(t.TempDir(), "state", StateName), Firewall: f, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}, f, &now
}

var ctx = context.Background()

func someOptions() Options {
	return Options{Hubs: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:4222")}, For: time.Hour, Case: "42", Reason: "r", Operator: "alice"}
}

func TestOnAndOff(t *testing.T) {
	m, f, _ := clock(t)
	m.Dial = func(context.Context, netip.AddrPort) error { return errors.New("nobody there") }
	c, err := m.On(ctx, someOptions())
	if err != nil || c.Event != Isolated || !c.Verified || c.Until != "2026-11-22T06:00:00.000000000Z" || c.Missing[0] != "a part" || c.Outside[0] != "a place" || len(c.Warnings) != 3 || c.Before.SHA256 == c.After.SHA256 {
		t.Fatalf("on: %v %+v", err, c)
	}
	if w := f.wants[0]; w.Left != time.Hour || w.Links[0] != "eth0" || w.Hubs[0].Port() != 4222 {
		t.Errorf("want %+v", w)
	}
	if st, err := m.Status(ctx); err != nil || st.Kernel != Cut || !st.Agree || st.LeftS != 3600 || st.State.Operator != "alice" {
		t.Errorf("status: %v %+v", err, st)
	}
	f.meddler = true
	c, err = m.Off(ctx, Why{Operator: "bob", Reason: "done"})
	if err != nil || c.Event != Rejoined || !c.Verified || c.Case != "42" || c.Operator != "bob" || len(c.Others) != 1 {
		t.Fatalf("off: %v %+v", err, c)
	}
	if _, err := os.Stat(m.File); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state is left: %v", err)
	}
	if c, err = m.Off(ctx, Why{}); err != nil || c.Event != "" || !c.Verified {
		t.Errorf("off again: %v %+v", err, c)
	}
}

// Somebody puts a rule among ours after we put them and before we read them: it is not taken
// for ours. Where he does so each time, the next look puts ours again.
func TestRuleOfAnotherBetweenPutAndRead(t *testing.T) {
	for times, want := range map[int]string{0: "", 1: "", 3: "", 1 << 20: "evil"} {
		m, f, _ := clock(t)
		f.changes = 7
		f.after = func() {
			if times--; times >= 0 {
				f.changes, f.rule = f.changes+1, "evil"
			}
		}
		c, err := m.On(ctx, someOptions())
		if err != nil || !c.Verified || f.rule != want {
			t.Fatalf("%v %+v, rule %q", err, c, f.rule)
		}
		s, err := m.load()
		if err != nil || (s.Rules == "") != (want != "") {
			t.Errorf("rule %q: the file says %+v, %v", f.rule, s, err)
		}
		f.after = nil
		if c, err = m.Restore(ctx); err != nil || (c.Event == Isolated) != (want != "") || f.rule != "" {
			t.Errorf("the next look: %v %+v, rule %q", err, c, f.rule)
		}
	}
}

// RELEASED is said only when the kernel was asked.
func TestReleaseThatDoesNotHappen(t *testing.T) {
	m, f, _ := clock(t)
	if _, err := m.On(ctx, someOptions()); err != nil {
		t.Fatal(err)
	}
	f.keeps = true
	if c, err := m.Off(ctx, Why{}); !errors.Is(err, ErrNotReleased) || c.Verified {
		t.Errorf("the kernel kept them: %v %+v", err, c)
	}
	f.keeps, f.refuse = false, os.ErrPermission
	if c, err := m.Off(ctx, Why{}); !errors.Is(err, ErrNotReleased) || !errors.Is(err, os.ErrPermission) || c.Event != "" {
		t.Errorf("the kernel refused: %v %+v", err, c)
	}
	if st, _ := m.Status(ctx); st.Agree || st.File != Released || st.Kernel != Cut {
		t.Errorf("status: %+v", st)
	}
	f.refuse = nil
	if c, err := m.Restore(ctx); err != nil || c.Event != Rejoined || !c.Verified {
		t.Errorf("a release that was begun is ended: %v %+v", err, c)
	}
}

// After an error everything is as it was, the file, too.
func TestOnThatIsRefused(t *testing.T) {
	m, f, _ := clock(t)
	f.refuse = ErrUnsupported
	if c, err := m.On(ctx, someOptions()); !errors.Is(err, ErrUnsupported) || c.Event != "" {
		t.Errorf("%v %+v", err, c)
	}
	if _, err := os.Stat(m.File); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file says isolated: %v", err)
	}
	f.refuse = nil
	if _, err := m.On(ctx, someOptions()); err != nil {
		t.Fatal(err)
	}
	was, _ := os.ReadFile(m.File)
	f.refuse = ErrUnsupported
	o := someOptions()
	o.For = 2 * time.Hour
	if _, err := m.On(ctx, o); err == nil {
		t.Error("no error")
	}
	if is, _ := os.ReadFile(m.File); string(is) != string(was) {
		t.Errorf("the file is not as it was: %s", is)
	}
	f.refuse, f.keeps, f.ours = nil, true, false
	if c, err := m.On(ctx, o); err == nil || c.Verified {
		t.Errorf("the kernel did not do it: %v %+v", err, c)
	}
}

func TestRestore(t *testing.T) {
	m, f, now := clock(t)
	if c, err := m.Restore(ctx); err != nil || c.Event != "" {
		t.Errorf("nothing to restore: %v %+v", err, c)
	}
	if _, err := m.On(ctx, someOptions()); err != nil {
		t.Fatal(err)
	}
	reboot := func(after time.Duration) (Change, error) {
		f.ours, f.left = false, 0
		*now = now.Add(after)
		return m.Restore(ctx)
	}
	if c, err := reboot(10 * time.Minute); err != nil || c.Event != Isolated || c.Cause != byBoot || f.left != 50*time.Minute {
		t.Errorf("after 10 minutes: %v %+v, left %v", err, c, f.left)
	}
	if c, err := reboot(-24 * time.Hour); err != nil || c.Event != Isolated || f.left != time.Hour {
		t.Errorf("a clock that was set back makes it no longer: %v %+v, left %v", err, c, f.left)
	}
	if c, err := reboot(25 * time.Hour); err != nil || c.Event != Rejoined || !c.Verified || c.Cause != byDeadline || f.ours {
		t.Errorf("after the time: %v %+v", err, c)
	}
	if c, err := m.Restore(ctx); err != nil || c.Event != "" {
		t.Errorf("and then: %v %+v", err, c)
	}
	// The kernel let go by its own clock: that is the end, whatever the other clock says.
	if _, err := m.On(ctx, someOptions()); err != nil {
		t.Fatal(err)
	}
	f.left = 0
	if c, err := m.Restore(ctx); err != nil || c.Event != Rejoined || f.ours {
		t.Errorf("the kernel let go: %v %+v", err, c)
	}
}

// What cannot be told now is told by the next who can, in order and once.
func TestChangesWaitToBeTold(t *testing.T) {
	m, _, _ := clock(t)
	if _, err := m.On(ctx, someOptions()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(m.untold(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("\n{\"event\":\"isol") // a line that a power cut left
	f.Close()
	if _, err := m.Off(ctx, Why{Operator: "bob"}); err != nil {
		t.Fatal(err)
	}
	var told []string
	busy := true
	m.Tell = func(c Change) error {
		if busy {
			return errors.New("no room")
		}
		told = append(told, c.Event+" "+c.Operator)
		return nil
	}
	if _, err := m.Restore(ctx); err == nil {
		t.Error("nobody was told, and no error")
	}
	busy = false
	for range 2 {
		if _, err := m.Restore(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(told, ", "); got != "isolated alice, rejoined bob" {
		t.Errorf("told: %s", got)
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	m, _, _ := clock(t)
	for name, change := range map[string]func(*Options){
		"no hub":          func(o *Options) { o.Hubs = nil },
		"both":            func(o *Options) { o.NoHub = true },
		"too short":       func(o *Options) { o.For = time.Millisecond },
		"too long":        func(o *Options) { o.For = MaxFor + time.Second },
		"no port":         func(o *Options) { o.Hubs[0] = netip.MustParseAddrPort("192.0.2.1:0") },
		"every address":   func(o *Options) { o.Hubs[0] = netip.MustParseAddrPort("[::]:4222") },
		"many machines":   func(o *Options) { o.Hubs[0] = netip.MustParseAddrPort("224.0.0.1:4222") },
		"everybody":       func(o *Options) { o.Hubs[0] = netip.MustParseAddrPort("255.255.255.255:4222") },
		"a zone":          func(o *Options) { o.Hubs[0] = netip.MustParseAddrPort("[fe80::1%eth0]:4222") },
		"written as IPv6": func(o *Options) { o.Hubs[0] = netip.MustParseAddrPort("[::ffff:192.0.2.1]:4222") },
		"too many": func(o *Options) {
			for range MaxHubs {
				o.Hubs = append(o.Hubs, o.Hubs[0])
			}
		},
	} {
		o := someOptions()
		change(&o)
		if c, err := m.On(ctx, o); err == nil || c.Event != "" {
			t.Errorf("%s: %v %+v", name, err, c)
		}
	}
	if _, err := os.Stat(m.File); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was written: %v", err)
	}
}

func TestStatesThatAreRefused(t *testing.T) {
	m, _, _ := clock(t)
	if _, err := m.On(ctx, someOptions()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(m.File)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseState(good); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		"hozen/isolation/1": "hozen/isolation/2", `"isolated"`: `"open"`, "T05:00": "T07:00", "192.0.2.1:4222": "192.0.2.1:04222",
		`["192.0.2.1:4222"]`: "null", `"case"`: `"kase"`, "}\n": "}", ".000000000Z\",\"until": "Z\",\"until",
	} {
		bad := strings.Replace(string(good), from, to, 1)
		if _, err := ParseState([]byte(bad)); err == nil || bad == string(good) {
			t.Errorf("%s for %s: taken: %s", to, from, bad)
		}
	}
	if err := os.WriteFile(m.File, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Restore(ctx); err == nil {
		t.Error("a state that is none was restored")
	}
	if st, err := m.Status(ctx); err != nil || st.Agree || st.File != Unknown || st.Kernel != Cut {
		t.Errorf("status: %v %+v", err, st)
	}
	if c, err := m.Off(ctx, Why{}); err != nil || !c.Verified || c.Event != Rejoined {
		t.Errorf("root gets out all the same: %v %+v", err, c)
	}
}

// The way out works where nothing can be written.
func TestOffOnAFullDisk(t *testing.T) {
	m, f, _ := clock(t)
	if _, err := m.On(ctx, someOptions()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(m.File); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(m.File, 0o700); err != nil { // neither read nor replaced
		t.Fatal(err)
	}
	if c, err := m.Off(ctx, Why{}); !c.Verified || f.ours {
		t.Errorf("not released: %v %+v", err, c)
	}
}

func TestWhatGoesIntoTheLogs(t *testing.T) {
	m, _, _ := clock(t)
	o := someOptions()
	o.Job = "job-1"
	c, err := m.On(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	e, a := c.CustodyEvent(), c.AuditEntry()
	if e.Event != Isolated || e.Case != "42" || e.Fact("before") != c.Before.Text || e.Fact("after") == "" || e.Fact("rules_after_sha256") != c.After.SHA256 || e.Fact("hubs") != "192.0.2.1:4222" || e.Fact("cause") != byJob {
		t.Errorf("custody: %+v", e)
	}
	if a.Event != Isolated || a.Job != "job-1" || a.Operator != "alice" || len(a.Detail) < 8 || len(a.Detail) > 32 {
		t.Errorf("audit: %+v", a)
	}
	dir := t.TempDir()
	if err := c.KeepRules(dir); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, d := range a.Detail {
		said[d.Name] = d.Value
	}
	if said["case"] != "42" {
		t.Errorf("audit: %+v", a)
	}
	for name, want := range map[string]string{"rules_before": c.Before.Text, "rules_after": c.After.Text} {
		if got, err := os.ReadFile(filepath.Join(dir, said[name])); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := signed.Encode(e); err != nil {
		t.Error(err)
	}
}

func TestUnit(t *testing.T) {
	u := Unit("/usr/bin/hozen", "/var/lib/hozen/isolation.json")
	for _, want := range []string{"DefaultDependencies=no\n", "Before=network-pre.target", "Wants=network-pre.target\n", "Type=oneshot\n",
		"ConditionPathExists=/var/lib/hozen/isolation.json\n", "ExecStart=/usr/bin/hozen isolate restore --state /var/lib/hozen\n"} {
		if !strings.Contains(u, want) {
			t.Errorf("no %q in %s", want, u)
		}
	}
}

// Where rules are removed again and again, the logs do not fill.
func TestQuiet(t *testing.T) {
	now := time.Unix(1000, 0)
	q := quiet{now: func() time.Time { return now }}
	var told []Change
	tell := q.tell(func(c Change) error { told = append(told, c); return nil })
	for range 90 {
		tell(Change{Event: Isolated, Cause: byWatch})
		now = now.Add(time.Second)
	}
	tell(Change{Event: Rejoined, Cause: byDeadline})
	if len(told) != 3 || told[1].Warnings[0] != "and 59 times more before, since this was last recorded" {
		t.Errorf("told %d: %+v", len(told), told)
	}
}
