package isolate

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// value is FWP_VALUE0 and FWP_CONDITION_VALUE0, condition FWPM_FILTER_CONDITION0 and filter0
// FWPM_FILTER0, as fwpmtypes.h declares them; pointers are numbers, since they lie in a union.
type value struct {
	typ uint32
	v   uint64
}

type condition struct {
	_     [16]byte // fieldKey
	match uint32
	value value
}

type blob struct {
	size uint32
	data uint64
}

type filter0 struct {
	key         [16]byte
	name, about uint64
	flags       uint32
	provider    uint64
	data        blob
	layer       [16]byte
	sublayer    [16]byte
	weight      value
	n           uint32
	tests       uint64
	action      uint32
	callout     [16]byte
	context     [2]uint64
	reserved    uint64
	id          uint64
	effective   value
}

func at[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// What Windows gives is followed by its pointers, and by no union that holds a number.
func TestFilterIsCopied(t *testing.T) {
	if size, test := unsafe.Sizeof(filter0{}), unsafe.Sizeof(condition{}); size != filterSize || test != testSize {
		t.Fatalf("a filter has %d bytes, a condition %d", size, test)
	}
	provider, sublayer := [16]byte(native(wfpProvider())), [16]byte(native(wfpSublayer()))
	name, err := windows.UTF16FromString("a name")
	if err != nil {
		t.Fatal(err)
	}
	data, weight, v6, mask := []byte("data"), uint64(7), [16]byte{15: 9}, [17]byte{0: 0xfe, 16: 10}
	sid := [12]byte{1, 1, 0, 0, 0, 0, 0, 5, 18}
	app := blob{4, at(&data[0])}
	ports := [2]value{{2, 133}, {2, 136}}
	const wild = 0xdeadbeefdeadbe00 // what was in memory above a number: a pointer to nothing
	tests := []condition{{value: value{1, wild | 6}}, {value: value{11, at(&v6)}}, {value: value{0x101, at(&mask)}}, {value: value{13, at(&sid)}},
		{value: value{12, at(&app)}}, {match: 5, value: value{typeRange, at(&ports)}}, {value: value{0, wild}}, {value: value{17, wild}}, {value: value{11, 0}}}
	f := filter0{name: at(&name[0]), provider: at(&provider), data: blob{4, at(&data[0])}, sublayer: sublayer, weight: value{4, at(&weight)},
		n: uint32(len(tests)), tests: at(&tests[0]), action: actionBlock, context: [2]uint64{wild, wild}, reserved: wild}
	got, err := copied((*byte)(unsafe.Pointer(&f))).parse()
	runtime.KeepAlive([]any{&provider, name, data, &weight, &v6, &mask, &sid, &app, &ports, tests})
	if err != nil || got.name != "a name" || got.data != "data" || !got.block || got.provider != wfpProvider() || got.sublayer != wfpSublayer() {
		t.Errorf("%+v, %v", got, err)
	}
	for _, want := range []string{"weight type 4 0700", "type 1 6]", "type 11 00000000000000000000000000000009]", "type 257 fe000000000000000000000000000000" + "0a]",
		"type 13 010100000000000512000000]", "type 12 64617461]", "from type 2 133 to type 2 136]", "type 0]", "type 17]", "type 11]"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("no %q in %s", want, got.text)
		}
	}
}
