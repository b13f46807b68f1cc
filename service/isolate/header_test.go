package isolate

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
)

// native is a GUID as it lies in memory: the same change there and back.
func native(g guid) []byte { n := nativeGUID(g[:]); return n[:] }

// A testOf is a condition as the platform gives it, with noise where nobody writes.
func testOf(noise byte, field guid, match, typ uint32, number ...byte) []byte {
	b := bytes.Repeat([]byte{noise}, testSize)
	copy(b, native(field))
	binary.LittleEndian.PutUint32(b[testMatch:], match)
	binary.LittleEndian.PutUint32(b[testValue:], typ)
	copy(b[testValue+8:], number)
	return b
}

// someFilter is one filter of ours as it is read: what nobody set, and all pointers, are noise.
func someFilter(noise byte) rawFilter {
	b := bytes.Repeat([]byte{noise}, filterSize)
	copy(b, native(guidOf("a filter")))
	copy(b[filterLayer:], native(guidOf("a layer")))
	copy(b[filterSublayer:], native(wfpSublayer()))
	for at, n := range map[int]uint32{filterFlags: flagHard | 1, filterWeight: 4, filterTests: 5, filterAction: actionBlock} {
		binary.LittleEndian.PutUint32(b[at:], n)
	}
	if noise%2 == 1 {
		b[filterFlags] |= flagIndexed
	}
	ports := bytes.Repeat([]byte{noise}, 2*valueSize)
	for at, port := range map[int]byte{0: 133, valueSize: 136} {
		binary.LittleEndian.PutUint32(ports[at:], 2)
		ports[at+8], ports[at+9] = port, 0
	}
	field := guidOf("a field")
	return rawFilter{fixed: b, name: "a name", provider: native(wfpProvider()), data: []byte("data"), weight: []byte{3, 0, 0, 0, 0, 0, 0, 0},
		tests: bytes.Join([][]byte{testOf(noise, field, 0, 1, 6), testOf(noise, field, 0, 3, 10, 2, 0, 192), testOf(noise, field, 0, 11),
			testOf(noise, field, 5, typeRange), testOf(noise, field, 0, 15)}, nil),
		values: [][]byte{nil, nil, {15: 9}, ports, nil}}
}

func TestParseFilter(t *testing.T) {
	r := someFilter(0)
	f, err := r.parse()
	if err != nil || f.id != guidOf("a filter") || f.sublayer != wfpSublayer() || f.provider != wfpProvider() || f.layerID != guidOf("a layer") ||
		!f.block || f.name != "a name" || f.data != "data" || !f.ours() {
		t.Errorf("%+v, %v", f, err)
	}
	for _, want := range []string{"weight type 4 0300000000000000", "match 0 type 1 6]", "type 3 3221225994]", "type 11 00000000000000000000000000000009]",
		"match 5 from type 2 133 to type 2 136]", "type 15]", "hard true"} {
		if !strings.Contains(f.text, want) {
			t.Errorf("no %q in %s", want, f.text)
		}
	}
	if strings.Contains(f.text, "callout") || strings.Contains(f.text, "conditions") {
		t.Errorf("text %s", f.text)
	}
	r.fixed = r.fixed[:filterSize-1]
	if _, err := r.parse(); err == nil {
		t.Error("a cut filter is taken")
	}
}

// The same filter has the same text whatever the memory was before it: Watch would say that our
// rules are not as they were put.
func TestTextOfAFilterStays(t *testing.T) {
	first, err := someFilter(0).parse()
	if err != nil {
		t.Fatal(err)
	}
	for noise := range 256 {
		if f, err := someFilter(byte(noise)).parse(); err != nil || f.text != first.text {
			t.Fatalf("noise %#x: %v\n%s\n%s", noise, err, f.text, first.text)
		}
	}
}

// What is another filter has another text.
func TestTextOfAFilterTells(t *testing.T) {
	first, err := someFilter(0).parse()
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*rawFilter){
		"key": func(r *rawFilter) { r.fixed[0]++ }, "name": func(r *rawFilter) { r.name = "x" }, "flags": func(r *rawFilter) { r.fixed[filterFlags] ^= flagHard },
		"layer": func(r *rawFilter) { r.fixed[filterLayer]++ }, "weight": func(r *rawFilter) { r.weight[0]++ }, "provider": func(r *rawFilter) { r.provider = nil },
		"data": func(r *rawFilter) { r.data = nil }, "action": func(r *rawFilter) { r.fixed[filterAction]++ },
		"callout":           func(r *rawFilter) { r.fixed[filterAction+1] |= 0x40 },
		"field":             func(r *rawFilter) { r.tests[0]++ },
		"match":             func(r *rawFilter) { r.tests[testMatch]++ },
		"number":            func(r *rawFilter) { r.tests[testSize+testValue+8]++ },
		"type":              func(r *rawFilter) { r.tests[testSize+testValue]-- },
		"address":           func(r *rawFilter) { r.values[2][0]++ },
		"end of a range":    func(r *rawFilter) { r.values[3][valueSize+8]++ },
		"a condition less":  func(r *rawFilter) { r.fixed[filterTests]-- },
		"too many are read": func(r *rawFilter) { r.tests, r.values = nil, nil },
	} {
		r := someFilter(0)
		change(&r)
		if f, err := r.parse(); err != nil || f.text == first.text {
			t.Errorf("%s: %v, the same text: %s", what, err, f.text)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	some := someFilter(1)
	f.Add(some.fixed, some.provider, some.data, some.tests, some.values[3])
	f.Add(make([]byte, filterSize), []byte{}, []byte{}, []byte{}, []byte{})
	noise := make([]byte, filterSize)
	for i := range noise {
		noise[i] = byte(rand.New(rand.NewPCG(1, uint64(i))).Uint32())
	}
	f.Add(noise, noise[:16], noise, noise[:2*testSize], noise[:3])
	f.Fuzz(func(t *testing.T, fixed, provider, data, tests, value []byte) {
		r := rawFilter{fixed: fixed, provider: provider, data: data, weight: value, tests: tests, values: [][]byte{value}}
		if s, err := r.parse(); err == nil && s.text == "" {
			t.Error("nothing is said")
		}
	})
}
