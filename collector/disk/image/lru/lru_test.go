package lru

import "testing"

func TestCacheKeepsWhatWasLastUsed(t *testing.T) {
	c := New[int, string](3)
	c.Put(1, "a", 1)
	c.Put(2, "b", 1)
	c.Put(3, "c", 1)
	c.Get(1)
	c.Put(4, "d", 1) // 2 is the one that was not asked for longest
	for key, want := range map[int]string{1: "a", 2: "", 3: "c", 4: "d"} {
		if v, ok := c.Get(key); v != want || ok != (want != "") {
			t.Errorf("%d: %q, %v; want %q", key, v, ok, want)
		}
	}
	c.Put(5, "too large", 4)
	if _, ok := c.Get(5); ok {
		t.Error("a value larger than the bound is kept")
	}
	c.Put(4, "D", 2)
	if v, _ := c.Get(4); v != "D" || c.used > 3 || len(c.held) != c.order.Len() {
		t.Errorf("after replacing: %q, %d used, %d held", v, c.used, len(c.held))
	}
}
