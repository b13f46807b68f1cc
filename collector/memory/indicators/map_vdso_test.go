package indicators

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"hozen/collector/hosttest"
	"hozen/collector/memory"
)

// TestVDSOAgainstTheOthers: what most have from the kernel is the reference, for
// each kind of program.
func TestVDSOAgainstTheOthers(t *testing.T) {
	whole := func(class, machine byte, rest string) []byte {
		b := make([]byte, 4096)
		copy(b, elfMagic)
		b[4], b[18] = class, machine
		copy(b[100:], rest)
		return b
	}
	s := &survey{ctx: context.Background(), to: &hosttest.Sink{}, kinds: kindsByID(), suspects: &memory.Suspects{}, proved: map[int]string{}}
	add := func(pid int, written bool, b []byte) {
		s.maps.vdso.add(vdsoHolder{Subject: memory.Subject{PID: pid, StartTicks: 1}, start: 0x1000, end: 0x2000, written: written}, b)
	}
	for pid := 1; pid <= 5; pid++ {
		add(pid, false, whole(2, 62, "kernel's"))
	}
	add(5, false, whole(2, 62, "kernel's")) // looked at again
	add(10, true, whole(2, 62, "kernel's"))
	for pid := 11; pid <= 20; pid++ { // more than the others, but written
		add(pid, true, whole(2, 62, "patched!"))
	}
	add(21, false, whole(2, 62, "swapped!"))
	add(30, false, whole(1, 3, "32 bit"))
	add(31, true, bytes.Repeat([]byte{0x90}, 4096))
	checkVDSO(s)
	got := map[int]memory.Level{}
	for _, r := range s.rows {
		got[r.Process.PID] = r.Level
		if len(r.Evidence) == 0 || r.Level == memory.High && r.Process.PID != 31 && len(r.Views) != 2 {
			t.Errorf("%+v", r)
		}
	}
	if got[10] != memory.Low || got[21] != memory.High || got[31] != memory.High || got[30] != 0 || got[1] != 0 {
		t.Error(got)
	}
	for pid := 11; pid <= 20; pid++ {
		if got[pid] != memory.High {
			t.Errorf("%d: %v", pid, got[pid])
		}
	}
	v := s.maps.vdso.versions[0]
	if v.count != 6 || !slices.ContainsFunc(v.holders, func(h vdsoHolder) bool { return h.PID == 10 }) {
		t.Errorf("%d holders", v.count)
	}
}
