package hive_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"hozen/collector/registry/hive"
)

// shared is a hive of so many bytes whose keys lie in one cell of each other: every one
// has the name that begins there, of most bytes, and the list of keys that all have.
func shared(t *testing.T, size, step int) *hive.Hive {
	t.Helper()
	const base = 4096
	b := make([]byte, base+size)
	le := binary.LittleEndian
	copy(b, "regf")
	le.PutUint32(b[20:], 1)
	le.PutUint32(b[24:], 5)
	le.PutUint32(b[36:], 32)
	le.PutUint32(b[40:], uint32(size))
	copy(b[base:], "hbin")
	le.PutUint32(b[base+8:], uint32(size))
	first, last := 32, size/2 // keys; behind them the lists
	var keys []uint32
	for at := first; at+step <= last; at += step {
		keys = append(keys, uint32(at))
	}
	inUse := func(n int) uint32 { return uint32(-(n &^ 7)) }
	for _, at := range keys {
		c := b[base+at:]
		le.PutUint32(c, inUse(size-int(at))) // up to the end
		copy(c[4:], "nk")
		le.PutUint16(c[6:], 0x20)
		le.PutUint32(c[4+16:], 32)
		le.PutUint32(c[4+20:], uint32(len(keys)))
		le.PutUint32(c[4+28:], uint32(last))
		le.PutUint16(c[4+72:], 0xffff)
	}
	list := b[base+last:]
	le.PutUint32(list, inUse(size-last))
	copy(list[4:], "ri")
	leaves := (len(keys) + 1<<12 - 1) >> 12
	le.PutUint16(list[6:], uint16(leaves))
	at := last + 8 + 4*leaves + 8&^7
	for i := range leaves {
		at = (at + 7) &^ 7
		le.PutUint32(list[8+4*i:], uint32(at))
		part := keys[i<<12 : min(len(keys), (i+1)<<12)]
		c := b[base+at:]
		le.PutUint32(c, inUse(8+4*len(part)+8))
		copy(c[4:], "li")
		le.PutUint16(c[6:], uint16(len(part)))
		for j, k := range part {
			le.PutUint32(c[8+4*j:], k)
		}
		at += 8 + 4*len(part) + 8
	}
	h, err := hive.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestSharedNames has 40000 keys with one name of 64 KiB each in 4 MiB.
func TestSharedNames(t *testing.T) {
	h := shared(t, 6<<20, 80)
	root, err := h.Root()
	if err != nil {
		t.Fatal(err)
	}
	n, text := 0, 0
	for k := range root.Subkeys() {
		n, text = n+1, text+len(k.Name)
	}
	if n < 30000 || text > n*2<<10 {
		t.Errorf("%d keys with %d bytes of names", n, text)
	}
}

// TestSharedLists has keys that all have the same long list of keys: each is looked at
// once, not once for each.
func TestSharedLists(t *testing.T) {
	h := shared(t, 8<<20, 160)
	root, err := h.Root()
	if err != nil {
		t.Fatal(err)
	}
	var all []*hive.Key
	for k := range root.Subkeys() {
		all = append(all, k)
	}
	looked := 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, k := range all {
		for range k.Subkeys() {
			looked++
		}
	}
	runtime.ReadMemStats(&after)
	if _, damages := h.Damage(); looked > 0 || damages == 0 || after.Mallocs-before.Mallocs > 1<<24 {
		t.Errorf("%d keys, %d below them, %d damages, %d allocations", len(all), looked, damages, after.Mallocs-before.Mallocs)
	}
}
