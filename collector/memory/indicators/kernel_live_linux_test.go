package indicators

import (
	"encoding/json"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/memory"
)

// kernelRows runs the family's checks on this machine.
func kernelRows(t *testing.T) ([]memory.Indicator, *hosttest.Sink) {
	t.Helper()
	var to hosttest.Sink
	var suspects memory.Suspects
	s := &survey{ctx: t.Context(), host: collector.ThisHost(), to: &to, kinds: kindsByID(), seen: map[int]*summary{}, suspects: &suspects}
	checkKernel(s)
	return s.rows, &to
}

// The machine that runs the tests is healthy: nothing is above low that nothing explains.
func TestKernelHealthy(t *testing.T) {
	rows, to := kernelRows(t)
	members := map[string]bool{}
	for _, r := range to.Records() {
		members[r.Item.Path] = true
	}
	for _, r := range rows {
		if r.Level > memory.Low && r.ID != "kernel-bpf-program" { // tests beside this one may load programs
			b, _ := json.Marshal(r)
			t.Errorf("%s", b)
		}
		for _, e := range r.Evidence {
			if !members[e] {
				t.Errorf("%s: evidence %s was not put", r.Object, e)
			}
		}
	}
	if !members["memory/indicators/host/kernel.txt"] || !strings.Contains(string(to.Body("memory/indicators/host/kernel.txt")), "/proc/sys/kernel/tainted") {
		t.Error("what was read was not put")
	}
}

func BenchmarkCheckKernel(b *testing.B) {
	h := collector.ThisHost()
	for b.Loop() {
		var to hosttest.Sink
		var suspects memory.Suspects
		checkKernel(&survey{ctx: b.Context(), host: h, to: &to, kinds: kindsByID(), seen: map[int]*summary{}, suspects: &suspects})
	}
}
