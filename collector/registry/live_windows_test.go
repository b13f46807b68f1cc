package registry

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"hozen/collector"
	"hozen/collector/utf16"
)

func ntName(t *testing.T, s string) (*windows.NTUnicodeString, []uint16) {
	t.Helper()
	u, err := utf16.Units(s)
	if err != nil {
		t.Fatal(err)
	}
	u = append(u, 0) // of an empty name there must be an address
	n := uint16(2 * (len(u) - 1))
	return &windows.NTUnicodeString{Length: n, MaximumLength: n, Buffer: &u[0]}, u
}

// plantKey makes a key by a name of any characters, and a value in it.
func plantKey(t *testing.T, parent windows.Handle, name string, options uint32, values ...Value) {
	t.Helper()
	dll := windows.NewLazySystemDLL("ntdll.dll")
	text, _ := ntName(t, name)
	attributes := windows.OBJECT_ATTRIBUTES{RootDirectory: parent, ObjectName: text, Attributes: objCaseInsensitive}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	var key windows.Handle
	r, _, _ := dll.NewProc("NtCreateKey").Call(uintptr(unsafe.Pointer(&key)), windows.KEY_ALL_ACCESS, uintptr(unsafe.Pointer(&attributes)), 0, 0, uintptr(options), 0)
	if r != 0 {
		t.Fatalf("NtCreateKey %q: %#x", name, r)
	}
	for _, v := range values {
		name, _ := ntName(t, v.Name)
		data := append(bytes.Clone(v.Data), 0)
		r, _, _ := dll.NewProc("NtSetValueKey").Call(uintptr(key), uintptr(unsafe.Pointer(name)), 0, uintptr(v.Type), uintptr(unsafe.Pointer(&data[0])), uintptr(len(v.Data)))
		if r != 0 {
			t.Fatalf("NtSetValueKey %q: %#x", v.Name, r)
		}
	}
	t.Cleanup(func() {
		dll.NewProc("NtDeleteKey").Call(uintptr(key))
		windows.CloseHandle(key)
	})
}

// scratch makes a key of the user for one test, and opens it as collectors do.
func scratch(t *testing.T) (parent windows.Handle, ours *Key) {
	t.Helper()
	name := fmt.Sprintf(`Software\hozen-test-%d`, windows.GetCurrentProcessId())
	k, _, err := registry.CreateKey(registry.CURRENT_USER, name, registry.ALL_ACCESS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.Close()
		if err := registry.DeleteKey(registry.CURRENT_USER, name); err != nil {
			t.Error(err)
		}
	})
	u, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(&collector.Host{Root: "/", Live: true, Elevated: true})
	if err != nil {
		t.Fatal(err)
	}
	ours, err = r.Key(`HKU\` + u.User.Sid.String() + `\` + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ours.Close()
		r.Close()
	})
	return windows.Handle(k), ours
}

func TestLiveHostileNames(t *testing.T) {
	parent, ours := scratch(t)
	hidden := "run\x00hidden"
	big := bytes.Repeat([]byte("0123456789abcdef"), 10000)
	want := []Value{
		{Name: "nul\x00name", Type: SZ, Data: []byte("a\x00b\x00")},
		{Name: "three bytes", Type: DWORD, Data: []byte{1, 2, 3}},
		{Name: "odd", Type: SZ, Data: []byte("a\x00b\x00c")},
		{Name: "\xed\xa0\xbd", Type: MultiSZ, Data: []byte("a\x00\x00")},
		{Name: "empty", Type: QWORD},
		{Name: "no type", Type: 0x12345678, Data: []byte{0xff}},
		{Name: "big", Type: Binary, Data: big},
		{Name: "", Type: ExpandSZ, Data: []byte("%\x00T\x00%\x00\x00\x00")},
	}
	plantKey(t, parent, hidden, 0, want...)
	plantKey(t, parent, "lone\xed\xb8\x80", 0)
	var names []string
	for k, err := range ours.Each() {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, k.Name())
	}
	if len(names) != 2 || !contains(names, hidden) || !contains(names, "lone\xed\xb8\x80") {
		t.Errorf("names %q", names)
	}
	k, err := ours.Key(hidden)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	got, err := k.Values()
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d values, %v", len(got), err)
	}
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || g.Name == w.Name && g.Type == w.Type && bytes.Equal(g.Data, w.Data) && g.Size == int64(len(w.Data)) && g.Err == nil
		}
		if !found {
			t.Errorf("value %q of %d bytes is not among what came back", w.Name, len(w.Data))
		}
	}
	info, err := k.Info()
	if err != nil || info.Values != len(want) || info.Written.Year() < 2020 {
		t.Errorf("%+v, %v", info, err)
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func TestLiveLink(t *testing.T) {
	parent, ours := scratch(t)
	const optionCreateLink = 2 // REG_OPTION_CREATE_LINK
	u, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	target := `\REGISTRY\USER\` + u.User.Sid.String() + `\Environment`
	units, err := utf16.Units(target)
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for _, c := range units {
		data = binary.LittleEndian.AppendUint16(data, c)
	}
	plantKey(t, parent, "link", optionCreateLink, Value{Name: linkValue, Type: Link, Data: data})
	seen := 0
	err = ours.Walk(context.Background(), -1, func(k *Key, err error) error {
		if err != nil {
			return err
		}
		if k.Name() == "link" {
			seen++
			info, err := k.Info()
			if err != nil || info.Link != target {
				t.Errorf("%+v, %v", info, err)
			}
		}
		return nil
	})
	if err != nil || seen != 1 {
		t.Errorf("%v, seen %d times", err, seen)
	}
	k, err := ours.Key("link")
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if _, err := k.Value("TEMP"); err != nil {
		t.Errorf("through the link: %v", err)
	}
}

func TestLiveMachine(t *testing.T) {
	r, err := Open(&collector.Host{Root: "/", Live: true, Elevated: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	k, err := r.Key(`HKLM\SYSTEM\CurrentControlSet\Services`)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	n := 0
	for s, err := range k.Each() {
		if err != nil {
			t.Fatal(err)
		}
		if v, err := s.Value("Start"); err == nil {
			if _, err := v.DWORD(); err != nil {
				t.Error(err)
			}
			n++
		}
	}
	if n == 0 || len(r.Users()) == 0 || !r.Users()[0].Loaded {
		t.Errorf("%d services, users %+v", n, r.Users())
	}
}
