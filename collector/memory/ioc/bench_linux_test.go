package ioc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is what we have used of the processors: the time on the clock says
// little on a machine that does other things, too.
func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// realistic is what memory is like: code, tables, text, zeros.
func realistic(b *testing.B) []byte {
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		if exe, err = os.ReadFile(os.Args[0]); err != nil {
			b.Fatal(err)
		}
	}
	var text bytes.Buffer
	for i := 0; text.Len() < len(exe)/4; i++ {
		fmt.Fprintf(&text, "%d GET http://www.host%d.example.com/index.html?q=%d 10.0.%d.%d /usr/lib/x86_64-linux-gnu/lib%d.so\n", i, i%97, i*7, i%256, i%251, i%31)
	}
	return append(append(exe, text.Bytes()...), make([]byte, len(exe)/8)...)
}

// lists of n indicators of all kinds that are sought in memory.
func manyIndicators(n int, r *rand.Rand) string {
	var text bytes.Buffer
	for i := range n {
		switch i % 8 {
		case 0, 1:
			fmt.Fprintf(&text, "cdn%d.badhost%d.com\n", r.IntN(1e6), i)
		case 2:
			fmt.Fprintf(&text, "http://www.site%d.org/gate%d.php\n", i, r.IntN(1e6))
		case 3:
			fmt.Fprintf(&text, "%d.%d.%d.%d\n", 11+r.IntN(200), r.IntN(256), r.IntN(256), i%256)
		case 4:
			fmt.Fprintf(&text, "file_name:svc%d.exe\n", i)
		case 5:
			fmt.Fprintf(&text, "/usr/lib/.cache%d/ld%d\n", i, r.IntN(1e6))
		case 6:
			fmt.Fprintf(&text, "{ %02x %02x %02x ?? %02x %02x %02x %02x %02x %02x %02x %02x }\n", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), 1+r.IntN(255), 1+r.IntN(255))
		default:
			fmt.Fprintf(&text, "text:beacon %d of %x\n", i, r.Uint64())
		}
	}
	return text.String()
}

func benchmarkSearch(b *testing.B, list string) {
	l, err := Parse("list", []byte(list), 0)
	if err != nil {
		b.Fatal(err)
	}
	m := newMatcher(l.Indicators, true)
	data := realistic(b)
	b.SetBytes(int64(len(data)))
	hits, before := 0, processorTime(b)
	for b.Loop() {
		m.Match(data, func(Found) { hits++ })
	}
	spent := (processorTime(b) - before).Seconds()
	b.ReportMetric(float64(len(data))*float64(b.N)/1e6/spent, "MB/core-s")
	b.ReportMetric(float64(hits)/float64(b.N), "hits/op")
	b.ReportMetric(float64(len(m.search.patterns)), "patterns")
}

// BenchmarkSearch1000 is 1,000 indicators in one pass over realistic memory.
func BenchmarkSearch1000(b *testing.B) {
	benchmarkSearch(b, manyIndicators(1000, rand.New(rand.NewPCG(1, 2))))
}

// BenchmarkSearch1000Short has patterns of four bytes among them, which are the dearest.
func BenchmarkSearch1000Short(b *testing.B) {
	benchmarkSearch(b, manyIndicators(990, rand.New(rand.NewPCG(1, 2)))+"text:zqxj\ntext:Wqpf\nhex:deadbeef\nhex:4d5a9000\n1.2.3.4\ntext:vwxyz\n")
}

// BenchmarkSearch20000 is a large list.
func BenchmarkSearch20000(b *testing.B) {
	benchmarkSearch(b, manyIndicators(20000, rand.New(rand.NewPCG(1, 2))))
}
