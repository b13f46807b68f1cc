package isolate

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// Whoever has the hub's address may send from the hub's port: he gets no connection to an
// isolated machine, by the packets' rules nor by those of frames, and the machine still gets
// one to the hub.
func TestTheHubCannotConnect(t *testing.T) {
	l := newLab(t)
	l.echo("pc", ":22")
	l.echo("hub", ":4223")
	for i, a := range []struct{ hub, to string }{{"192.0.2.2", "192.0.2.1:22"}, {"[2001:db8::2]", "[2001:db8::1]:22"}} {
		from := func(n int) string { return fmt.Sprintf("%s:%d", a.hub, 5000+10*i+n) }
		c, err := l.dialFrom("hub", from(0), a.to, long)
		if err == nil {
			err = passes(c)
		}
		if err != nil {
			t.Fatalf("before: %v", err)
		}
		m := l.machine()
		l.isolated(m, time.Hour, from(1), a.hub+":4223")
		without := func(families string) {
			if families != "" {
				l.tool("pc", "", "sh", "-c", "for f in "+families+"; do nft delete table $f "+Table+"; done")
			}
			if _, err := l.dialFrom("hub", from(1), a.to, patience); err == nil {
				t.Errorf("%s: the isolated machine took a connection from the hub's port (tables gone: %q)", a.to, families)
			}
			l.want(fmt.Sprintf("the hub answers (tables gone: %q)", families), true, []probe{{"pc", "tcp", a.hub + ":4223"}})
		}
		without("")
		without("netdev")
		l.in("pc", func() {
			if _, err := m.Restore(context.Background()); err != nil {
				t.Error(err)
			}
		})
		without("inet")
		l.in("pc", func() {
			if _, err := m.Off(context.Background(), Why{}); err != nil {
				t.Error(err)
			}
		})
	}
}
