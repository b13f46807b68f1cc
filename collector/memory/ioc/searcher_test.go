package ioc

import (
	"fmt"
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
