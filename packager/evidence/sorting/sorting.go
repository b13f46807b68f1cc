// Package sorting sorts rows. slices.SortFunc is compiled anew for each type that it sorts,
// some 10 KiB with its tables, and this program sorts ninety; what is here is compiled once.
package sorting

import "slices"

// By sorts list by compare, as slices.SortStableFunc does: what is equal stays in its order.
func By[T any](list []T, compare func(a, b T) int) {
	was := make([]T, len(list))
	copy(was, list)
	for i, j := range order(len(was), func(i, j int) int { return compare(was[i], was[j]) }) {
		list[i] = was[j]
	}
}

// order gives the numbers below n in the order that compare has of them.
func order(n int, compare func(i, j int) int) []int {
	at := make([]int, n)
	for i := range at {
		at[i] = i
	}
	slices.SortFunc(at, func(i, j int) int {
		if c := compare(i, j); c != 0 {
			return c
		}
		return i - j
	})
	return at
}
