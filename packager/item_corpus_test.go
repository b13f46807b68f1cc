package packager

import (
	"bytes"
	"testing"
)

// Of each log of the corpus that was tampered with, and of each time stamp, an item says what
// the whole archive does.
func TestItemOfTamperedLogs(t *testing.T) {
	w, alone := newWorld(t), 0
	count := func(rep *Report) {
		if rep.OnlyItems {
			alone++
		}
	}
	for _, c := range logTampers() {
		ch := &change{archive: bytes.Clone(w.archive), o: w.o}
		c.do(t, w, ch)
		ch.o.OnlyFrom = 1
		count(sameSaid(t, c.name, ch.archive, ch.o, "data/volatile/item-2.txt"))
	}
	tw := newTimeWorld(t)
	for _, c := range timeTampers() {
		ch := &change{archive: bytes.Clone(tw.archive), o: tw.o}
		ch.o.Log, ch.o.TSARoots = tw.log, tw.roots
		c.do(t, tw, ch)
		ch.o.OnlyFrom = 1
		count(sameSaid(t, c.name, ch.archive, ch.o, "data/volatile/item-2.txt"))
	}
	if alone < 10 {
		t.Errorf("only %d of them were looked at alone", alone)
	}
}
