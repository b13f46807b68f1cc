package main

import (
	"strings"

	"hozen/collector"
	"hozen/collector/volatile"
)

// unlockedDisk is the word for a disk that locks at power-off.
const unlockedDisk = "unlocked_disk"

// usualBytes is what a step without an estimate is taken to write.
const usualBytes = 2 << 20

// expectedBytes is what a plan will write at most, as far as can be known.
// Not inlined, for the size of the program.
//
//go:noinline
func expectedBytes(p *collector.Plan) (n int64) {
	for _, s := range p.Running() {
		n += max(s.Estimate.Bytes, usualBytes)
	}
	return n
}

// warnDisks speaks of disks: what locks at power-off, and where the output lies.
func (c *collection) warnDisks() {
	a, ui := c.a, c.ui
	if c.host.Live {
		disks, err := volatile.UnlockedDisks(c.host)
		for _, d := range disks {
			ui.warn(unlockedDisk, a.unlockedText(d))
			if d.Sure {
				ui.unlocked = append(ui.unlocked, escape(d.Name))
			}
		}
		if err != nil {
			ui.warn("disks_unknown", a.text(mWarnDisksUnknown, a.why(err)))
		}
	}
	out := c.outputFolder()
	if out == "" {
		return // nothing is written here
	}
	p, err := volatile.OutputDisk(c.host, out)
	if err != nil && p.Mount == "" {
		return // the folder is not there: Create says so
	}
	p.OnExamined = p.OnExamined && c.host.Live // else another machine is examined
	c.place = p
	ui.inMemory = c.host.Live && p.InMemory
	for _, w := range a.outputWarnings(p, roomKnown(p, err), expectedBytes(c.plan)) {
		ui.warn(w.Word, w.Text)
	}
}

func (a *app) unlockedText(d volatile.UnlockedDisk) string {
	m := mWarnUnlocked
	if !d.Sure {
		m = mWarnMaybeUnlocked
	}
	mounts := ""
	if len(d.Mounts) > 0 {
		mounts = " (" + escape(strings.Join(d.Mounts, ", ")) + ")"
	}
	return a.text(m, escape(d.Name), escape(d.Kind), mounts)
}

// roomKnown says whether FreeBytes is a fact, which can be 0.
func roomKnown(p volatile.OutputPlace, err error) bool { return err == nil || p.FreeBytes > 0 }

// outputWarnings says what is wrong with a place to write to: nothing, where nothing is.
func (a *app) outputWarnings(p volatile.OutputPlace, known bool, need int64) (out []warning) {
	switch {
	case p.InMemory:
		out = append(out, warning{"output_in_memory", a.text(mWarnInMemory, escape(p.Mount))})
	case p.OnExamined:
		disk := p.Disk
		if disk == "" {
			disk = p.Source
		}
		out = append(out, warning{"output_on_host", a.text(mWarnOwnDisk, escape(disk), escape(p.Mount), bytesText(need))})
	}
	if known && p.FreeBytes < uint64(need) || p.FreeInodes == 1 {
		out = append(out, warning{"little_room", a.text(mWarnLittleRoom, bytesText(int64(p.FreeBytes)), escape(p.Mount), bytesText(need))})
	}
	return out
}
