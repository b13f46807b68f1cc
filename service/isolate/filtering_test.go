package isolate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// platformModel is the filtering platform as documented: a filter needs its sublayer and its
// provider, neither goes before their filters, boot-time filters are not shown. Call number
// fail does not succeed.
type platformModel struct {
	objects   map[guid]wfpObject
	others    []wfpSeen
	sublayers []wfpNamed // of others
	calls     int
	fail      int
	log       []string
}

var errPlatform = errors.New("the platform says no")

func (p *platformModel) call(what string) error {
	p.calls++
	p.log = append(p.log, what)
	if p.calls == p.fail {
		return errPlatform
	}
	return nil
}

func (p *platformModel) add(o wfpObject) error {
	if err := p.call("add " + o.String()); err != nil {
		return err
	}
	if _, ok := p.objects[o.id]; ok {
		return errThere
	}
	for _, needs := range standing() {
		if _, ok := p.objects[needs.id]; !ok && (o.kind == aFilter || o.kind == aSublayer && needs.kind == aProvider) {
			return fmt.Errorf("%s before %s", o, needs)
		}
	}
	p.objects[o.id] = o
	return nil
}

func (p *platformModel) remove(o wfpObject) error {
	if err := p.call("remove " + o.String()); err != nil {
		return err
	}
	if _, ok := p.objects[o.id]; !ok {
		return errGone
	}
	for _, other := range p.objects {
		if o.kind == aSublayer && other.kind == aFilter || o.kind == aProvider && other.kind != aProvider {
			return fmt.Errorf("%s is in use by %s", o, other)
		}
	}
	delete(p.objects, o.id)
	return nil
}

func (p *platformModel) read() (wfpState, error) {
	if err := p.call("read"); err != nil {
		return wfpState{}, err
	}
	s := wfpState{filters: slices.Clone(p.others), sublayers: slices.Clone(p.sublayers)}
	for _, o := range p.objects {
		switch {
		case o.kind == aProvider:
			s.providers = append(s.providers, wfpNamed{id: o.id, text: o.String()})
		case o.kind == aSublayer:
			s.sublayers = append(s.sublayers, wfpNamed{id: o.id, provider: wfpProvider(), weight: topWeight, text: o.String()})
		case !o.filter.boot:
			s.filters = append(s.filters, wfpSeen{id: o.id, provider: wfpProvider(), sublayer: wfpSublayer(), layer: o.filter.layer, block: o.filter.block, text: o.filter.String(), data: o.filter.data})
		}
	}
	return s, nil
}

// passes says what the filters that are there do with a packet at a layer.
func (p *platformModel) passes(layer string, boot bool, is map[string]any) string {
	best, verdict := uint64(0), "others decide"
	for _, o := range p.objects {
		f := o.filter
		if o.kind != aFilter || f.layer != layer || f.boot != boot || f.weight <= best || !matches(f, is) {
			continue
		}
		best, verdict = f.weight, "passes"
		if f.block {
			verdict = "blocked"
		}
	}
	return verdict
}

func matches(f wfpFilter, is map[string]any) bool {
	for _, c := range f.conditions {
		v, ok := is[c.field]
		switch want := c.value.(type) {
		case netip.Prefix:
			a, isAddr := v.(netip.Addr)
			ok = ok && isAddr && want.Contains(a)
		case [2]uint16:
			n, isPort := v.(uint16)
			ok = ok && isPort && want[0] <= n && n <= want[1]
		default:
			ok = ok && v == c.value
		}
		if !ok {
			return false
		}
	}
	return true
}

func modelMachine(t *testing.T) (*Machine, *platformModel, *time.Time) {
	p := &platformModel{objects: map[guid]wfpObject{}, others: []wfpSeen{{id: guidOf("x"), name: "of others", text: "of others"}}}
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	m := &Machine{File: filepath.Join(t.TempDir(), StateName), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: func() time.Time { return now },
		Firewall: filtering{
			open:   func() (wfpEngine, func() error, error) { return p, func() error { return nil }, nil },
			around: func([]netip.AddrPort) (Around, error) { return Around{}, nil }, now: func() time.Time { return now },
		}}
	return m, p, &now
}

var hubV4, hubV6 = netip.MustParseAddrPort("192.0.2.10:4222"), netip.MustParseAddrPort("[2001:db8::1]:4222")

func TestPlatformOnStatusOff(t *testing.T) {
	m, p, now := modelMachine(t)
	ctx := context.Background()
	c, err := m.On(ctx, Options{Hubs: []netip.AddrPort{hubV4, hubV6}, For: time.Hour, Case: "42"})
	if err != nil || !c.Verified || c.Event != Isolated {
		t.Fatalf("%+v, %v", c, err)
	}
	if !strings.Contains(c.After.Text, Table) || strings.Contains(c.Before.Text, "ALE_AUTH") || len(c.Others) != 0 {
		t.Errorf("before %s\nafter %s\nothers %v", c.Before.Text, c.After.Text, c.Others)
	}
	*now = now.Add(time.Minute)
	st, err := m.Status(ctx)
	if err != nil || !st.Agree || st.Kernel != Cut || st.LeftS != 59*60 {
		t.Errorf("%+v, %v", st, err)
	}
	size := len(p.objects)
	if c, err = m.On(ctx, Options{Hubs: []netip.AddrPort{hubV4}, For: time.Hour}); err != nil || !c.Verified {
		t.Fatalf("%+v, %v", c, err)
	}
	if len(p.objects) >= size {
		t.Errorf("the permits of a hub that is no more are still there: %d objects, %d before", len(p.objects), size)
	}
	if c, err = m.Off(ctx, Why{}); err != nil || !c.Verified || c.Event != Rejoined {
		t.Fatalf("%+v, %v", c, err)
	}
	if len(p.objects) != 0 {
		t.Errorf("left behind: %v", p.objects)
	}
	if !strings.Contains(m.WayOut(), wfpProvider().String()) {
		t.Errorf("the way out names no provider: %s", m.WayOut())
	}
}

// Every call fails once: an isolation is then whole or as before, a release is whole or says
// what is left, and the next one mends it.
func TestPlatformFailsAtEachStep(t *testing.T) {
	ctx := context.Background()
	w := &Want{Hubs: []netip.AddrPort{hubV4}, Left: time.Hour}
	m, clean, _ := modelMachine(t)
	if _, err := m.Firewall.Replace(ctx, w); err != nil {
		t.Fatal(err)
	}
	steps := clean.calls
	for fail := 1; fail <= steps; fail++ {
		m, p, _ := modelMachine(t)
		p.fail = fail
		if _, err := m.Firewall.Replace(ctx, w); !errors.Is(err, errPlatform) {
			t.Fatalf("call %d: %v", fail, err)
		}
		if len(p.objects) != 0 {
			t.Errorf("call %d (%s): %d objects are left", fail, p.log[fail-1], len(p.objects))
		}
		if _, err := m.Firewall.Replace(ctx, w); err != nil || len(p.objects) != len(clean.objects) {
			t.Errorf("call %d, again: %v, %d objects", fail, err, len(p.objects))
		}
	}
	clean.calls = 0
	if _, err := m.Firewall.Replace(ctx, nil); err != nil {
		t.Fatal(err)
	}
	steps = clean.calls
	for fail := 1; fail <= steps; fail++ {
		m, p, _ := modelMachine(t)
		if _, err := m.Firewall.Replace(ctx, w); err != nil {
			t.Fatal(err)
		}
		p.calls, p.fail = 0, fail
		if _, err := m.Firewall.Replace(ctx, nil); !errors.Is(err, errPlatform) && !strings.Contains(fmt.Sprint(err), "was there") {
			t.Fatalf("release, call %d: %v", fail, err)
		}
		if _, err := m.Firewall.Replace(ctx, nil); err != nil || len(p.objects) != 0 {
			t.Errorf("release, call %d, again: %v, %d left", fail, err, len(p.objects))
		}
	}
}

// A change of hubs that fails at any step never opens the machine, and the next one is whole.
func TestPlatformChangeFails(t *testing.T) {
	ctx := context.Background()
	old, fresh := &Want{Hubs: []netip.AddrPort{hubV4}, Left: time.Hour}, &Want{Hubs: []netip.AddrPort{hubV6}, Left: 2 * time.Hour}
	_, blocks := wfpBase()
	for fail, done := 1, false; !done; fail++ {
		m, p, _ := modelMachine(t)
		if _, err := m.Firewall.Replace(ctx, old); err != nil {
			t.Fatal(err)
		}
		p.calls, p.fail = 0, fail
		_, err := m.Firewall.Replace(ctx, fresh)
		done, p.fail = err == nil, 0
		for _, b := range blocks {
			if _, ok := p.objects[b.key()]; !ok {
				t.Errorf("call %d: %s is gone", fail, b)
			}
		}
		if _, err := m.Firewall.Replace(ctx, old); err != nil {
			t.Errorf("call %d, back: %v", fail, err)
		}
		if p.passes("ALE_AUTH_CONNECT_V6", false, map[string]any{"IP_REMOTE_ADDRESS": hubV6.Addr(), "IP_PROTOCOL": protoTCP, "IP_REMOTE_PORT": hubV6.Port()}) != "blocked" {
			t.Errorf("call %d: the hub of a change that was taken back is reached", fail)
		}
	}
}

// While hubs are changed nothing leaks and the hub that stays is never cut; while a machine is
// cut, the hub is permitted before the first block.
func TestPlatformOrder(t *testing.T) {
	m, p, _ := modelMachine(t)
	ctx := context.Background()
	if _, err := m.Firewall.Replace(ctx, &Want{Hubs: []netip.AddrPort{hubV4}, Left: time.Hour}); err != nil {
		t.Fatal(err)
	}
	firstBlock := slices.IndexFunc(p.log, func(s string) bool { return strings.Contains(s, "(block") })
	lastHub := -1
	for i, s := range p.log {
		if strings.Contains(s, "(hub") {
			lastHub = i
		}
	}
	if firstBlock < lastHub || lastHub < 0 {
		t.Errorf("the hub is cut between %d and %d: %q", firstBlock, lastHub, p.log)
	}
	p.log = nil
	if _, err := m.Firewall.Replace(ctx, &Want{Hubs: []netip.AddrPort{hubV4, hubV6}, Left: 2 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	for _, s := range p.log {
		if strings.HasPrefix(s, "remove") && (strings.Contains(s, "block") || strings.Contains(s, "loopback")) {
			t.Errorf("removed in between: %s", s)
		}
	}
	if n := slices.IndexFunc(p.log, func(s string) bool { return strings.HasPrefix(s, "remove") }); n < len(p.log)-2 {
		t.Errorf("more than the old deadline was removed: %q", p.log[n:])
	}
	p.log = nil
	if _, err := m.Firewall.Replace(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(p.log, func(s string) bool { return strings.HasPrefix(s, "remove") }); !strings.Contains(p.log[i], "(block") {
		t.Errorf("a release begins with %s", p.log[i])
	}
}

// What the plan lets through, layer by layer.
func TestPlatformPasses(t *testing.T) {
	m, p, _ := modelMachine(t)
	w := &Want{Hubs: []netip.AddrPort{hubV4, hubV6}, Next: []netip.Addr{netip.MustParseAddr("2001:db8::ff")}, Left: time.Hour}
	if _, err := m.Firewall.Replace(context.Background(), w); err != nil {
		t.Fatal(err)
	}
	a := netip.MustParseAddr
	packet := func(addr string, proto uint8, remote, local uint16, flags uint32) map[string]any {
		return map[string]any{"IP_REMOTE_ADDRESS": a(addr), "IP_PROTOCOL": proto, "IP_REMOTE_PORT": remote, "IP_LOCAL_PORT": local, "FLAGS": flags}
	}
	const yes, no = "passes", "blocked"
	for _, c := range []struct {
		what, layer string
		boot        bool
		is          map[string]any
		want        string
	}{
		{"to the hub", "ALE_AUTH_CONNECT_V4", false, packet("192.0.2.10", 6, 4222, 50000, 0), yes},
		{"to the hub, by UDP", "ALE_AUTH_CONNECT_V4", false, packet("192.0.2.10", 17, 4222, 50000, 0), no},
		{"to another port of the hub", "ALE_AUTH_CONNECT_V4", false, packet("192.0.2.10", 6, 443, 50000, 0), no},
		{"to somebody else", "ALE_AUTH_CONNECT_V4", false, packet("192.0.2.11", 6, 4222, 50000, 0), no},
		{"from the hub, a connection", "ALE_AUTH_RECV_ACCEPT_V4", false, packet("192.0.2.10", 6, 4222, 3389, 0), no},
		{"from the hub, of a flow", "INBOUND_TRANSPORT_V4", false, packet("192.0.2.10", 6, 4222, 50000, 0), yes},
		{"a flow that is open already", "OUTBOUND_TRANSPORT_V4", false, packet("203.0.113.5", 6, 443, 50001, 0), no},
		{"ping to the hub", "OUTBOUND_TRANSPORT_V4", false, packet("192.0.2.10", 1, 0, 8, 0), no},
		{"a name server", "OUTBOUND_IPPACKET_V4", false, packet("192.0.2.53", 17, 53, 5353, 0), no},
		{"fragments to the hub", "OUTBOUND_IPPACKET_V4", false, packet("192.0.2.10", 6, 0, 0, 0), yes},
		{"loopback", "ALE_AUTH_CONNECT_V4", false, packet("127.0.0.1", 6, 80, 50000, 1), yes},
		{"loopback by an own address", "INBOUND_IPPACKET_V4", false, packet("192.0.2.77", 6, 80, 50000, 1), yes},
		{"forwarded", "IPFORWARD_V4", false, packet("192.0.2.10", 6, 4222, 50000, 0), no},
		{"forwarded, loopback or not", "IPFORWARD_V6", false, packet("2001:db8::1", 6, 4222, 50000, 1), no},
		{"to the hub by IPv6", "ALE_AUTH_CONNECT_V6", false, packet("2001:db8::1", 6, 4222, 50000, 0), yes},
		{"neighbour solicitation", "OUTBOUND_TRANSPORT_V6", false, packet("ff02::1:ff00:1", 58, 0, 135, 0), yes},
		{"neighbour advertisement of a router", "INBOUND_TRANSPORT_V6", false, packet("2001:db8::ff", 58, 0, 136, 0), yes},
		{"ping on the link", "OUTBOUND_TRANSPORT_V6", false, packet("fe80::1", 58, 0, 128, 0), no},
		{"mDNS", "OUTBOUND_TRANSPORT_V6", false, packet("ff02::fb", 17, 5353, 5353, 0), no},
		{"discovery beyond the link", "OUTBOUND_TRANSPORT_V6", false, packet("2001:db8:9::9", 58, 0, 135, 0), no},
		{"at boot, the hub", "ALE_AUTH_CONNECT_V4", true, packet("192.0.2.10", 6, 4222, 50000, 0), no},
		{"at boot, anything", "OUTBOUND_IPPACKET_V6", true, packet("2001:db8::1", 6, 4222, 50000, 0), no},
		{"at boot, loopback", "ALE_AUTH_RECV_ACCEPT_V6", true, packet("::1", 6, 80, 50000, 1), yes},
	} {
		if got := p.passes(c.layer, c.boot, c.is); got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.what, c.layer, got, c.want)
		}
	}
}

// Whatever the hubs are, keys are of their own and stable, and only hubs, loopback and
// discovery are permitted.
func TestPlatformPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &Want{Left: time.Hour}
		for range rapid.IntRange(0, MaxHubs).Draw(t, "hubs") {
			b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")
			addr, _ := netip.AddrFromSlice(b)
			w.Hubs = append(w.Hubs, netip.AddrPortFrom(addr, rapid.Uint16Min(1).Draw(t, "port")))
		}
		now := time.Unix(1_800_000_000, 0)
		plan, again := w.wfpPlan(now), w.wfpPlan(now)
		keys := map[guid]bool{}
		for i, f := range plan {
			if keys[f.key()] || f.key() != again[i].key() {
				t.Fatalf("%s: the key is not its own", f)
			}
			keys[f.key()] = true
			if !f.block && len(f.conditions) == 0 {
				t.Fatalf("%s permits everything", f)
			}
			if f.boot && f.name == "hub" {
				t.Fatalf("%s: at boot", f)
			}
		}
	})
}

func TestPlatformTampered(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		what string
		is   func(wfpFilter) bool
	}{
		{"a block", func(f wfpFilter) bool { return f.block && !f.boot && f.layer == "OUTBOUND_IPPACKET_V4" }},
		{"the deadline", func(f wfpFilter) bool { return f.data != "" }},
		{"the hub", func(f wfpFilter) bool { return f.name == "hub" && f.layer == "ALE_AUTH_CONNECT_V4" }},
	} {
		m, p, _ := modelMachine(t)
		if _, err := m.On(ctx, Options{Hubs: []netip.AddrPort{hubV4}, For: time.Hour}); err != nil {
			t.Fatal(err)
		}
		size := len(p.objects)
		for id, o := range p.objects {
			if o.kind == aFilter && c.is(o.filter) {
				delete(p.objects, id)
			}
		}
		if st, err := m.Status(ctx); err != nil || st.Agree || st.Kernel != Altered {
			t.Errorf("%s: %+v, %v", c.what, st, err)
		}
		if change, err := m.Restore(ctx); err != nil || !change.Verified || change.Event != Isolated || len(p.objects) != size {
			t.Errorf("%s is not put back: %+v, %v", c.what, change, err)
		}
	}
}

// The time is over while nothing of ours ran: the next look releases.
func TestPlatformDeadline(t *testing.T) {
	ctx := context.Background()
	m, p, now := modelMachine(t)
	if _, err := m.On(ctx, Options{Hubs: []netip.AddrPort{hubV4}, For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(2 * time.Hour)
	if st, err := m.Status(ctx); err != nil || st.Kernel != Expired {
		t.Errorf("%+v, %v", st, err)
	}
	if c, err := m.Restore(ctx); err != nil || c.Event != Rejoined || !c.Verified || len(p.objects) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// Somebody deleted what the lists show, and left the boot-time filters: a release takes them
// away, and says so; the next one has nothing to do.
func TestPlatformUnseenAtBoot(t *testing.T) {
	ctx := context.Background()
	m, p, _ := modelMachine(t)
	if _, err := m.On(ctx, Options{Hubs: []netip.AddrPort{hubV4}, For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if c, err := m.Off(ctx, Why{}); err != nil || len(c.Warnings) != 0 {
		t.Errorf("a release as usual warns: %+v, %v", c, err)
	}
	for _, file := range []bool{false, true} {
		if _, err := m.On(ctx, Options{Hubs: []netip.AddrPort{hubV4}, For: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if !file {
			if err := m.forget(); err != nil {
				t.Fatal(err)
			}
		}
		for id, o := range p.objects {
			if o.kind != aFilter || !o.filter.boot {
				delete(p.objects, id)
			}
		}
		if len(p.objects) == 0 {
			t.Fatal("no boot-time filter was there")
		}
		c, err := m.Off(ctx, Why{})
		if err != nil || !c.Verified || c.Event != Rejoined || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "boot-time") || len(p.objects) != 0 {
			t.Errorf("file %v: %+v, %v, %d left", file, c, err, len(p.objects))
		}
		if c, err := m.Off(ctx, Why{}); err != nil || !c.Verified || c.Event != "" {
			t.Errorf("file %v, again: %+v, %v", file, c, err)
		}
	}
}

// Sublayers of others with the highest weight are named; ours is no rival of itself.
func TestPlatformRivals(t *testing.T) {
	ctx := context.Background()
	m, p, _ := modelMachine(t)
	p.sublayers = []wfpNamed{{id: guidOf("a"), name: "another product", weight: topWeight}, {id: guidOf("b"), name: "a lower one", weight: topWeight - 1}}
	c, err := m.On(ctx, Options{Hubs: []netip.AddrPort{hubV4}, For: time.Hour})
	if err != nil || len(c.Rivals) != 1 || !strings.HasPrefix(c.Rivals[0], "another product {") {
		t.Errorf("%q, %v", c.Rivals, err)
	}
	if st, err := m.Status(ctx); err != nil || !slices.Equal(st.Rivals, c.Rivals) {
		t.Errorf("status %q, %v", st.Rivals, err)
	}
	if e := c.CustodyEvent(); e.Fact("rivals") != c.Rivals[0] {
		t.Errorf("custody: %+v", e)
	}
}
