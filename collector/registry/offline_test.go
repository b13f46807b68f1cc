package registry

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/registry/hive"
	"hozen/collector/registry/hivetest"
	"hozen/packager/evidence"
)

// memory is a disk of a few files.
type memory map[string][]byte

func (m memory) Lstat(name string) (*evidence.FileMeta, error) {
	if b, ok := m[name]; ok {
		return &evidence.FileMeta{Mode: evidence.ModeRegular | 0o644, Size: int64(len(b))}, nil
	}
	if names, _ := m.Names(name); len(names) > 0 {
		return &evidence.FileMeta{Mode: evidence.ModeDir | 0o755}, nil
	}
	return nil, fs.ErrNotExist
}

func (m memory) Names(dir string) (out []string, err error) {
	for name := range m {
		if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(dir, "/")+"/"); ok {
			first, _, _ := strings.Cut(rest, "/")
			out = append(out, first)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (m memory) Open(name string) (collector.Reader, error) {
	return inMemory{bytes.NewReader(m[name])}, nil
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

func hiveFile(plant func(root *hivetest.Key)) []byte {
	root := &hivetest.Key{Name: "ROOT", Written: 132726537727906426}
	plant(root)
	return hivetest.Build(root)
}

func plantedDisk() *collector.Host {
	return &collector.Host{Image: memory{
		"/WINDOWS/system32/config/system": hiveFile(func(k *hivetest.Key) {
			k.At("Select").Values = []hivetest.Value{hivetest.DWORD("current", 2)}
			k.At("ControlSet001", "Services", "old")
			k.At("ControlSet002", "Services", "Tcpip").Values = []hivetest.Value{hivetest.DWORD("Start", 1), hivetest.SZ("", "x")}
		}),
		"/WINDOWS/system32/config/SOFTWARE": hiveFile(func(k *hivetest.Key) {
			list := k.At("Microsoft", "Windows NT", "CurrentVersion", "ProfileList")
			list.At("S-1-5-18").Values = []hivetest.Value{hivetest.ExpandSZ("ProfileImagePath", `%systemroot%\system32\config\systemprofile`)}
			list.At("S-1-5-21-1-2-3-1001").Values = []hivetest.Value{hivetest.ExpandSZ("ProfileImagePath", `C:\Users\bob`)}
			list.At("S-1-5-21-1-2-3-1002").Values = []hivetest.Value{hivetest.ExpandSZ("ProfileImagePath", `C:\Users\gone`)}
			k.At("hidden\x00key").Values = []hivetest.Value{hivetest.SZ("a\x00b", "c"), {Name: "\xed\xa0\x80", Type: 4, Data: []byte{1, 2, 3}}}
			link := k.At("Linked")
			link.Flags = hive.FlagLink
			link.Values = []hivetest.Value{{Name: "SymbolicLinkValue", Type: 6, Data: hivetest.Text(`\Registry\Machine\SYSTEM\CurrentControlSet`)[:84]}}
			loop := k.At("Loop")
			loop.Flags = hive.FlagLink
			loop.Values = []hivetest.Value{{Name: "SymbolicLinkValue", Type: 6, Data: hivetest.Text(`\Registry\Machine\Software\Loop`)[:62]}}
		}),
		"/WINDOWS/system32/config/DEFAULT":                        hiveFile(func(k *hivetest.Key) { k.At("Environment") }),
		"/Users/bob/ntuser.dat":                                   hiveFile(func(k *hivetest.Key) { k.At("Software", "Run") }),
		"/Users/bob/AppData/Local/Microsoft/Windows/UsrClass.dat": hiveFile(func(k *hivetest.Key) { k.At("CLSID") }),
		"/Users/Default/NTUSER.DAT":                               hiveFile(func(k *hivetest.Key) {}),
		"/Users/empty/desktop.ini":                                nil,
		"/Boot/BCD":                                               hiveFile(func(k *hivetest.Key) { k.At("Objects") }),
		"/WINDOWS/system32/config/SAM":                            []byte("this is no hive"),
	}}
}

func TestDisk(t *testing.T) {
	r, err := Open(plantedDisk())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, path := range []string{
		`HKLM\SYSTEM\CurrentControlSet\Services\TCPIP`, `hkey_local_machine\System\ControlSet002\services\tcpip`,
		`HKLM\SOFTWARE\Linked\Services\Tcpip`,
	} {
		k, err := r.Key(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		v, err := k.Value("START")
		if n, e := v.DWORD(); err != nil || e != nil || n != 1 {
			t.Errorf("%s: start %d, %v, %v", path, n, err, e)
		}
		if v, err := k.Value(""); err != nil || string(v.Data) != "x\x00\x00\x00" {
			t.Errorf("%s: default value %q, %v", path, v.Data, err)
		}
	}
	for path, want := range map[string]error{
		`HKLM\SYSTEM\CurrentControlSet\Services\old`: fs.ErrNotExist, `HKCR\x`: fs.ErrNotExist, `HKLM\SAM\SAM`: hive.ErrNoHive,
		`HKLM\SECURITY`: fs.ErrNotExist, `HKLM\SOFTWARE\hidden`: fs.ErrNotExist,
	} {
		if _, err := r.Key(path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if _, err := r.Key(`HKLM\SOFTWARE\Loop\x`); err == nil {
		t.Error("a link to itself was followed to an end")
	}
	for _, path := range []string{`HKU\S-1-5-21-1-2-3-1001\Software\Classes\CLSID`, `HKU\S-1-5-21-1-2-3-1001_Classes\CLSID`,
		`HKU\S-1-5-21-1-2-3-1001\Software\Run`, `HKU\.DEFAULT\Environment`, `HKU\S-1-5-18\Environment`, `HKU\profile:Default`, `HKLM\BCD00000000\Objects`, `HKU`} {
		if _, err := r.Key(path); err != nil {
			t.Error(err)
		}
	}
	var users []string
	for _, u := range r.Users() {
		users = append(users, u.SID+" "+u.Path)
	}
	want := []string{`S-1-5-18 HKEY_USERS\.DEFAULT`, `S-1-5-21-1-2-3-1001 HKEY_USERS\S-1-5-21-1-2-3-1001`, ` HKEY_USERS\profile:Default`}
	if !slices.Equal(users, want) {
		t.Errorf("users %q, want %q", users, want)
	}
	if s := r.Sources(); len(s) != 8 || !slices.ContainsFunc(s, func(s Source) bool { return errors.Is(s.Err, hive.ErrNoHive) }) {
		t.Errorf("sources: %+v", s)
	}
}

func TestDiskWalk(t *testing.T) {
	r, err := Open(plantedDisk())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	k, err := r.Key("HKLM")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Info{}
	failed := 0
	err = k.Walk(context.Background(), -1, func(k *Key, err error) error {
		if err != nil {
			failed++
			return nil
		}
		found[k.Path()], err = k.Info()
		return err
	})
	if err != nil || failed != 1 {
		t.Fatalf("%v; %d keys could not be read", err, failed)
	}
	for _, path := range []string{`HKEY_LOCAL_MACHINE\SOFTWARE\` + "hidden\x00key", `HKEY_LOCAL_MACHINE\SYSTEM\ControlSet002\Services\Tcpip`} {
		if i, ok := found[path]; !ok || i.Written.Format("2006") != "2021" {
			t.Errorf("%q: %+v, %v", path, i, ok)
		}
	}
	if found[`HKEY_LOCAL_MACHINE\SOFTWARE\Linked`].Link == "" {
		t.Error("a link was not seen")
	}
	hidden, err := r.Key(`HKLM\SOFTWARE\` + "HIDDEN\x00KEY")
	if err != nil {
		t.Fatal(err)
	}
	values, err := hidden.Values()
	if err != nil || len(values) != 2 || values[0].Name != "a\x00b" || values[1].Name != "\xed\xa0\x80" || values[1].Odd() == "" {
		t.Errorf("values %+v, %v", values, err)
	}
}

func TestNoDisk(t *testing.T) {
	if _, err := Open(&collector.Host{Image: memory{"/etc/passwd": nil}}); !errors.Is(err, ErrNoRegistry) {
		t.Errorf("%v", err)
	}
}
