package main

import (
	"strings"
	"time"

	"hozen/collector"
)

func (a *app) progressFor(o collectOptions, plan *collector.Plan, h *collector.Host, t *tally) *progress {
	p := &progress{
		a: a, plan: plan, tally: t, host: h,
		screen: &screen{w: a.stderr, live: a.errTerminal && !o.json, quiet: o.quiet, mute: o.json, width: a.width},
		events: &eventWriter{now: a.now},
	}
	if o.json {
		p.events.w = a.stdout
	}
	return p
}

// greet says what is going to happen, and what the responder must know before.
func (c *collection) greet() {
	a, ui := c.a, c.ui
	fingerprint, _ := c.device.Fingerprint() // without one, Create says why
	ui.events.send(event{Event: "started", Steps: len(c.plan.Running()), Fingerprint: fingerprint})
	ui.screen.line(a.text(mGreeting, escape(c.hostName()), len(c.plan.Running()), a.roughly(time.Duration(c.file.EstimateMS)*time.Millisecond)))
	if c.host.Live {
		ui.screen.line(c.caution())
	}
	if c.device.Throwaway {
		ui.screen.line(a.text(mThrowaway, fingerprint))
	}
	if c.host.Live && !c.host.Elevated {
		ui.warn("not_root", a.text(mWarnNotRoot))
	}
	if c.host.Live && a.cgo() {
		ui.warn("built_with_cgo", a.text(mWarnCgo))
	}
	c.warnLists()
	c.warnKnown()
	c.warnDisks()
}

// caution says what becomes of what dies with the power: where nothing of it is taken,
// no line comes that says when it is safe.
func (c *collection) caution() string {
	for _, s := range c.plan.Running() {
		if s.Collector.Volatility.Volatile() {
			return c.a.text(mDoNotSwitchOffNow)
		}
	}
	left := c.a.leftOut(c.plan)
	if len(left) == 0 {
		return c.a.text(mDoNotSwitchOffYet)
	}
	text := c.a.text(mNothingVolatile, strings.Join(left, ", "))
	c.ui.told = append(c.ui.told, text)
	return text
}

// hostName is how people know the examined machine: by where its files are, if
// they do not say.
func (c *collection) hostName() string {
	if c.id.HostName == "" {
		return c.host.Root
	}
	return string(c.id.HostName)
}

// stopping says that the first signal was understood.
func (p *progress) stopping() {
	p.say("stopping", 0, p.a.text(mStopping))
}

func (p *progress) sealing() {
	if p.screen.live {
		p.screen.draw(p.a.text(mSealing))
		return
	}
}
