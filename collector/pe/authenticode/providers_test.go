package authenticode

import "testing"

func TestSystemsOwn(t *testing.T) {
	for dll, want := range map[string]bool{
		"WINTRUST.DLL": true, `C:\Windows\System32\wintrust.dll`: true, "": false, "evil.dll": false,
		`C:\Windows\System32\..\evil\wintrust.dll`: false, `C:\Users\a\wintrust.dll`: false, `\\evil\share\wintrust.dll`: false, "wintrust.dll ": false,
	} {
		if got := systemsOwn(dll, `C:\Windows\system32`); got != want {
			t.Errorf("%q: %v", dll, got)
		}
	}
	keys, value := providers()
	for _, k := range keys {
		if value[k] == "" {
			t.Errorf("%s: no value", k)
		}
	}
}
