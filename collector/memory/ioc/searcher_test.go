package ioc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naive finds every pattern at every place.
func naive(patterns []pattern, b []byte) (out []string) {
	for i := range patterns {
		p := &patterns[i]
		for at := 0; at+len(p.value) <= len(b); at++ {
			if p.fits(b[at:]) {
				out = append(out, fmt.Sprint(p.of, at))
			}
		}
	}
	slices.Sort(out)
	return out
}

func fast(patterns []pattern, b []byte) (out []string) {
	newSearcher(slices.Clone(patterns)).search(b, func(p *pattern, start, end int) {
		if end != start+len(p.value) {
			panic("length")
		}
		out = append(out, fmt.Sprint(p.of, start))
	})
	slices.Sort(out)
	return out
}

// TestSearchFindsWhatANaiveSearchFinds draws from few letters, so that patterns
// overlap each other and themselves.
func TestSearchFindsWhatANaiveSearchFinds(t *testing.T) {
	letters := rapid.SampledFrom([]byte("aAbB\x00 \xff1."))
	rapid.Check(t, func(t *rapid.T) {
		var patterns []pattern
		for i := range rapid.IntRange(1, 30).Draw(t, "patterns") {
			s := exactly(string(rapid.SliceOfN(letters, 4, 12).Draw(t, "pattern")), rapid.Bool().Draw(t, "fold"))
			if rapid.Bool().Draw(t, "wild") {
				at := rapid.IntRange(0, len(s.mask)-1).Draw(t, "at")
				m := rapid.SampledFrom([]byte{0, 0xf, 0xf0}).Draw(t, "mask")
				s.mask[at], s.value[at] = m, s.value[at]&m
			}
			if s, err := s.trimmed(); err == nil {
				patterns = append(patterns, pattern{byteString: s, of: int32(i)})
			}
		}
		b := rapid.SliceOfN(letters, 0, 300).Draw(t, "bytes")
		if got, want := fast(patterns, b), naive(patterns, b); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func FuzzSearch(f *testing.F) {
	f.Add([]byte("evil.example"), []byte("see EVIL.example, evil.example"), uint8(3))
	f.Fuzz(func(t *testing.T, pat, b []byte, cut uint8) {
		if len(pat) > 200 || len(b) > 1<<12 {
			return
		}
		var patterns []pattern
		k := min(int(cut), len(pat))
		for i, part := range [][]byte{pat, pat[:k], pat[k:]} {
			if s, err := exactly(string(part), i == 0).trimmed(); err == nil {
				patterns = append(patterns, pattern{byteString: s, of: int32(i)})
			}
		}
		if got, want := fast(patterns, b), naive(patterns, b); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
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
	hits := 0
	for b.Loop() {
		m.Match(data, func(Found) { hits++ })
	}
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
