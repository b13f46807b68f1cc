package sorting

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

type row struct {
	key  int
	name string
	at   int
}

func rows(n int) []row {
	list := make([]row, n)
	for i := range list {
		list[i] = row{rand.IntN(1 + n/3), "x", i}
	}
	return list
}

func byKey(a, b row) int { return cmp.Compare(a.key, b.key) }

// What is equal stays in its order, as the library's own way has it.
func TestBy(t *testing.T) {
	for _, n := range []int{0, 1, 2, 50, 5000} {
		list := rows(n)
		want := slices.Clone(list)
		slices.SortStableFunc(want, byKey)
		if By(list, byKey); !slices.Equal(list, want) {
			t.Errorf("%d rows are in another order", n)
		}
	}
}

func BenchmarkBy(b *testing.B) {
	for name, by := range map[string]func([]row, func(a, b row) int){"sorting": By[row], "slices": slices.SortStableFunc[[]row]} {
		b.Run(name, func(b *testing.B) {
			list := rows(20_000)
			for b.Loop() {
				by(slices.Clone(list), byKey)
			}
		})
	}
}
