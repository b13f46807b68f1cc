package ram

import (
	"bytes"
	"strings"
	"testing"

	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

func TestSwapsAreNamedAndTakenWhenAsked(t *testing.T) {
	m := machine()
	area := bytes.Repeat([]byte("secret page "), 100*fakePage/12+1)[:100*fakePage]
	copy(area[fakePage-10:], "SWAPSPACE2")
	swaps := "Filename\tType\tSize\tUsed\tPriority\n/my\\040swap file 396 12 -2\n/other/swap file 4 0 -3\n/dev/zram0 partition 1024 0 100\nbroken\n"
	for _, ask := range []bool{false, true} {
		h := m.host(t)
		put(t, h, swapsName, swaps)
		put(t, h, "/my swap", string(area))
		put(t, h, "/other/swap", strings.Repeat("no swap ", 1024))
		put(t, h, "/sys/module/zswap/parameters/enabled", "Y\n")
		var s hosttest.Sink
		o := Options{Swap: ask, open: opens(map[string]device{kcoreName: m.kcore(0xffff888000000000, true)}), page: fakePage}
		if err := RAM(o).Collect(t.Context(), h, &s); err != nil {
			t.Fatal(err)
		}
		rows := resultOf(t, &s).rows["swap"]
		if len(rows) != 3 || rows[0]["name"] != "/my swap" || rows[0]["size"] != float64(396<<10) || !strings.Contains(rows[0]["note"].(string), "zswap") {
			t.Fatalf("%v", rows)
		}
		if !strings.Contains(rows[2]["note"].(string), "compressed") || strings.Contains(rows[2]["note"].(string), "--swap") == ask {
			t.Errorf("%v", rows[2])
		}
		record, taken := s.Record("memory/ram/swap/my swap")
		if taken != ask || ask && (record.Outcome != evidence.Collected || !bytes.Equal(s.Body(record.Path), area)) {
			t.Errorf("asked %v: %+v", ask, record)
		}
		if other, _ := s.Record("memory/ram/swap/swap"); ask && (other.Outcome != evidence.Skipped || other.Size != 0) {
			t.Errorf("what is no swap area: %+v", other)
		}
	}
}

func TestPagesOfSwapThatFailAreZeros(t *testing.T) {
	f := &fakeFile{parts: []fakePart{{0, bytes.Repeat([]byte{7}, 8*fakePage)}}, fails: failsAt(span{3 * fakePage, 5 * fakePage}, 0)}
	b := make([]byte, 8*fakePage)
	var tally evidence.Tally
	if n := readSwap(f, b, 0, fakePage, &tally); n != len(b) || tally.Count(evidence.Failed) != 2 {
		t.Errorf("%d bytes, %d failed", n, tally.Count(evidence.Failed))
	}
	for i, c := range b {
		if bad := i/fakePage == 3 || i/fakePage == 4; (c == 0) != bad {
			t.Fatalf("byte %d is %d", i, c)
		}
	}
}
