package indicators

import (
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/memory"
)

func BenchmarkCheckNet(b *testing.B) {
	h := collector.ThisHost()
	for b.Loop() {
		var to hosttest.Sink
		var suspects memory.Suspects
		checkNet(&survey{ctx: b.Context(), host: h, to: &to, kinds: kindsByID(), seen: map[int]*summary{}, suspects: &suspects})
	}
}
