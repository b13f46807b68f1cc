package collector

import (
	"strings"
	"testing"
	"time"
)

func named(name string, v Volatility, n Needs) Collector {
	return Collector{Name: name, Doc: name, Volatility: v, Needs: n, Limit: Limit{Time: time.Second},
		Estimate: func(*Host) Estimate { return Estimate{time.Second, 10} }}
}

func names(steps []Step) string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Collector.Name)
	}
	return strings.Join(out, " ")
}

func TestPlanOrdersByVolatility(t *testing.T) {
	all := []Collector{named("disk", Disk, 0), named("b", Live, 0), named("tmp", Temporary, 0), named("a", Live, 0), named("wire", Traffic, 0)}
	p, err := NewPlan(all, Choice{Profile: "full"}, &Host{Root: "/"})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(p.Steps); got != "wire b a tmp disk" {
		t.Errorf("order %s", got)
	}
	if e := p.Total(); e.Time != 5*time.Second || e.Bytes != 50 {
		t.Errorf("estimate %v", e)
	}
}

func TestPlanSaysWhyNot(t *testing.T) {
	all := []Collector{named("a", Live, 0), named("b", Live, 0), named("live", Live, LiveHost), named("root", Live, Privilege), named("disk", Disk, 0)}
	for _, c := range []struct {
		choice Choice
		host   Host
		runs   string
		why    string // of the first that is skipped
	}{
		{Choice{Profile: "full"}, Host{Live: true, Elevated: true}, "a b live root disk", ""},
		{Choice{Profile: "volatile"}, Host{Live: true, Elevated: true}, "a b live root", "not in profile volatile"},
		{Choice{Profile: "full"}, Host{Elevated: true}, "a b root disk", "not a live host"},
		{Choice{Profile: "full"}, Host{Live: true}, "a b live disk", "needs root"},
		{Choice{Profile: "full", Only: []string{"b", "live"}}, Host{Live: true, Elevated: true}, "b live", "not in --only"},
		{Choice{Profile: "full", Skip: []string{"b"}}, Host{Live: true, Elevated: true}, "a live root disk", "left out by --skip"},
	} {
		p, err := NewPlan(all, c.choice, &c.host)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(p.Running()); got != c.runs {
			t.Errorf("%+v runs %q, want %q", c.choice, got, c.runs)
		}
		for _, s := range p.Steps {
			if s.Skip != "" {
				if !strings.Contains(s.Skip, c.why) || c.why == "" {
					t.Errorf("%s is skipped because %q, want %q", s.Collector.Name, s.Skip, c.why)
				}
				break
			}
		}
	}
}

func TestPlanRefusesUnknownNames(t *testing.T) {
	all := []Collector{named("sockets", Live, 0)}
	for _, c := range []Choice{{Profile: "quick"}, {Profile: "full", Only: []string{"socket"}}, {Profile: "full", Skip: []string{"x"}}} {
		_, err := NewPlan(all, c, &Host{})
		if err == nil || !strings.Contains(err.Error(), "not one of") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestWhatMustBeAskedForIsRunOnlyThen(t *testing.T) {
	ram := Collector{Name: "ram", Volatility: Memory, Asked: "--ram"}
	for _, c := range []struct {
		choice Choice
		want   string
	}{
		{Choice{Profile: "volatile"}, "only with --ram"},
		{Choice{Profile: "volatile", Asked: []string{"--swap"}}, "only with --ram"},
		{Choice{Profile: "volatile", Asked: []string{"--ram"}}, ""},
		{Choice{Profile: "volatile", Only: []string{"ram"}}, ""},
		{Choice{Profile: "full"}, ""},
		{Choice{Profile: "full", Skip: []string{"ram"}}, "left out by --skip"},
	} {
		p, err := NewPlan([]Collector{ram}, c.choice, &Host{Root: "/", Live: true})
		if err != nil || p.Steps[0].Skip != c.want {
			t.Errorf("%+v: %q, %v; want %q", c.choice, p.Steps[0].Skip, err, c.want)
		}
	}
}

// What was asked for by its flag is run however little else is taken.
func TestWhatIsAskedForIsRunInEveryProfile(t *testing.T) {
	c := named("added", Disk, 0)
	c.Asked = "--add"
	for asked, want := range map[string]string{"--add": "added", "--other": ""} {
		p, err := NewPlan([]Collector{c, named("disk", Disk, 0)}, Choice{Profile: "volatile", Asked: []string{asked}}, &Host{})
		if err != nil || names(p.Running()) != want {
			t.Errorf("%s: %q, %v", asked, names(p.Running()), err)
		}
	}
}
