package artifact

import (
	"slices"
	"strings"
	"testing"
)

func TestHivesOfKeys(t *testing.T) {
	for key, want := range map[string]string{
		`HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet`:           "SYSTEM",
		`HKEY_LOCAL_MACHINE\System\**`:                          "SYSTEM",
		`hklm\software\Microsoft`:                               "SOFTWARE",
		`HKEY_LOCAL_MACHINE\Security\Policy`:                    "SECURITY",
		`HKEY_LOCAL_MACHINE\S*\x`:                               "SYSTEM SOFTWARE SAM SECURITY",
		`HKEY_LOCAL_MACHINE\*`:                                  "SYSTEM SOFTWARE SAM SECURITY COMPONENTS DRIVERS ELAM",
		`HKEY_LOCAL_MACHINE\BCD00000000\Objects`:                "BCD BCD",
		`HKEY_USERS\%%users.sid%%\Software\Microsoft\Run`:       "NTUSER.DAT",
		`HKEY_USERS\%%users.sid%%\Software\Classes\CLSID\*`:     "UsrClass.dat",
		`HKEY_USERS\%%users.sid%%\Software\Classes\\CLSID\*`:    "UsrClass.dat",
		`HKEY_USERS\%%users.sid%%_Classes\Local Settings\x`:     "UsrClass.dat",
		`HKEY_USERS\%%users.sid%%\Software\**5`:                 "NTUSER.DAT UsrClass.dat",
		`HKEY_USERS\%%users.sid%%\*\Microsoft`:                  "NTUSER.DAT UsrClass.dat",
		`HKEY_USERS\*\Software\Microsoft`:                       "DEFAULT NTUSER.DAT",
		`HKEY_USERS\.DEFAULT\Software`:                          "DEFAULT",
		`HKEY_USERS\S-1-5-19\Software`:                          "NTUSER.DAT",
		`HKEY_CURRENT_USER\Software\Sysinternals`:               "NTUSER.DAT",
		`HKEY_CLASSES_ROOT\CLSID\{16d12736-7a9e-4765-bec6-f30}`: "SOFTWARE UsrClass.dat",
	} {
		hives, err := HivesOf(key)
		var got []string
		for _, h := range hives {
			if !strings.Contains(h, ".LOG") {
				got = append(got, h[strings.LastIndexByte(h, '\\')+1:])
			}
		}
		if err != nil || strings.Join(got, " ") != want || len(hives) != 4*len(got) {
			t.Errorf("%s: %q %v, not %s", key, hives, err, want)
		}
	}
	for _, key := range []string{`HKEY_LOCAL_MACHINE\HARDWARE\x`, `HKEY_NOWHERE\x`, "", `\`} {
		if hives, err := HivesOf(key); err == nil {
			t.Errorf("%q: %q, and no reason", key, hives)
		}
	}
}

func TestEveryPublishedKeyHasAHive(t *testing.T) {
	keys := 0
	for _, d := range published(t) {
		for _, s := range d.Sources {
			for _, key := range keysOf(&s) {
				keys++
				if _, err := HivesOf(key); err != nil {
					t.Errorf("%s: %v", d.Name, err)
				}
			}
		}
	}
	if keys == 0 {
		t.Error("no keys at all")
	}
}

func TestEveryPublishedVariableIsKnown(t *testing.T) {
	for _, d := range published(t) {
		for _, s := range d.Sources {
			for _, text := range slices.Concat(s.Paths, keysOf(&s)) {
				_, names := cutVariables(text)
				for _, name := range names {
					if !slices.Contains(Variables(), name) {
						t.Errorf("%s: %%%%%s%%%%", d.Name, name)
					}
				}
			}
		}
	}
}
