package onwindows

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/registry/hivetest"
	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
)

func TestRecordedKernel(t *testing.T) {
	hv := make(blob, 32)
	hv.put(0, uint32(0x40000006))
	hv.put(4, []byte("Microsoft Hv"))
	sys := recorded{
		"kernel/secure_boot": {1, 1}, "kernel/hypervisor": hv, "kernel/kernel_debugger": {0, 1}, "kernel/isolated_user_mode": {3, 0},
		"kernel/code_integrity": {8, 0, 0, 0, 1, 0, 0, 0},
	}
	list := func(context.Context) (storage, error) {
		return storage{
			disks: []winsys.Disk{{Kind: "disk", Name: `\\.\PhysicalDrive0`, Sources: []winsys.Source{{Name: "layout", Data: []byte("raw"), Err: nil}}}},
			volumes: []winsys.Volume{
				{Kind: "volume", Name: `\\?\Volume{1}\`, Mounts: []jsonl.Text{`C:\`}, Type: "fixed", Encryption: "bitlocker", EncryptionKnown: true, Unlocked: true,
					LocksAtPowerOff: true, BitLocker: &winsys.BitLocker{Protectors: []winsys.Protector{{ID: "{2}", Type: "tpm"}}}, Head: []byte("head")},
				{Kind: "volume", Name: `\\?\Volume{3}\`, Mounts: []jsonl.Text{}, Type: "fixed"},
			},
		}, errors.New("one volume is missing")
	}
	s := collectRecorded(t, func(j *job) error { return collectKernel(j, list) }, sys)
	const facts = `{"kind":"secure_boot","source":"SystemSecureBootInformation","flags":["enabled","capable"]}
{"kind":"code_integrity","source":"SystemCodeIntegrityInformation","value":"0x1","flags":["ENABLED"]}
{"kind":"kernel_debugger","source":"SystemKernelDebuggerInformation","flags":["not_present"]}
{"kind":"isolated_user_mode","source":"SystemIsolatedUserModeInformation","flags":["SecureKernelRunning","HvciEnabled"]}
{"kind":"hypervisor","source":"SystemHypervisorDetailInformation","value":"Microsoft Hv","flags":["present"]}
`
	if got := string(s.Body("volatile/kernel.jsonl")); got != facts {
		t.Errorf("got\n%s", got)
	}
	block := string(s.Body("volatile/kernel/block.jsonl"))
	if strings.Count(block, "\n") != 3 || !strings.Contains(block, `"locks_at_power_off":true,"bitlocker":{`) || !strings.Contains(block, `"protectors":[{"id":"{2}","type":"tpm"}]`) {
		t.Errorf("got\n%s", block)
	}
	if r, _ := s.Record("volatile/kernel/block.jsonl"); r.Outcome.String() != "partial" || !strings.Contains(r.Note, "not looked at") {
		t.Errorf("a volume that was not looked at: %s, %q", r.Outcome, r.Note)
	}
	if r, _ := s.Record("volatile/kernel/disks.bin"); r.Outcome.String() != "partial" || !strings.Contains(string(s.Body(r.Path)), "metadata headers") {
		t.Errorf("%s %q", r.Outcome, s.Body(r.Path))
	}
}

// TestSettings reads the settings of a disk: the same code reads those of a running system.
func TestSettings(t *testing.T) {
	root := &hivetest.Key{Name: "ROOT", Written: at2026}
	root.At("Select").Values = []hivetest.Value{hivetest.DWORD("Current", 1)}
	policy := root.At("ControlSet001", "Services", "SharedAccess", "Parameters", "FirewallPolicy")
	policy.At("FirewallRules").Values = []hivetest.Value{hivetest.SZ("{x}", `v2.30|Action=Allow|Active=TRUE|Dir=In|Name=evil|`), hivetest.SZ("odd", "v2")}
	policy.At("StandardProfile").Values = []hivetest.Value{hivetest.DWORD("EnableFirewall", 0)}
	root.At("ControlSet001", "Services", "PortProxy", "v4tov4", "tcp").Values = []hivetest.Value{hivetest.SZ("0.0.0.0/8080", "10.0.0.9/3389")}
	root.At("ControlSet001", "Services", "Tcpip", "Parameters").Values = []hivetest.Value{hivetest.SZ("NV Hostname", "PC\x00behind"), hivetest.SZ("other", "no")}
	var s hosttest.Sink
	j := newJob(t.Context(), &collector.Host{Image: oneFile(hivetest.Build(root))}, &s, recorded{})
	if err := putSettings(j, "volatile/network/settings.jsonl", networkSettings()); err != nil {
		t.Fatal(err)
	}
	checkTables(t, &s)
	got := string(s.Body("volatile/network/settings.jsonl"))
	for _, want := range []string{
		`"kind":"portproxy","key":"HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\PortProxy\\v4tov4\\tcp","name":"0.0.0.0/8080","type":"REG_SZ","text":"10.0.0.9/3389"`,
		`"kind":"firewall_rule"`, `"action":"Allow","active":true,"dir":"In","name":"evil"`, `"name":"EnableFirewall","type":"REG_DWORD","number":0`,
		`"name":"odd","type":"REG_SZ","text":"v2"`, `"name":"NV Hostname","type":"REG_SZ","text":"PC"`, `"odd":`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(got, `"name":"other"`) {
		t.Error("a value that was not asked for")
	}
	if t.Failed() {
		t.Logf("%s", got)
	}
}

func FuzzKernel(f *testing.F) {
	f.Add([]byte{1, 1})
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range kernelFacts() {
			_ = k.rows(b, func(any) {})
		}
	})
}

// oneFile is a disk of which there is the hive SYSTEM alone.
type oneFile []byte

const hiveName = "/Windows/System32/config/SYSTEM"

func (f oneFile) Lstat(name string) (*evidence.FileMeta, error) {
	switch {
	case name == hiveName:
		return &evidence.FileMeta{Mode: evidence.ModeRegular, Size: int64(len(f))}, nil
	case name == "/" || strings.HasPrefix(hiveName, name+"/"):
		return &evidence.FileMeta{Mode: evidence.ModeDir}, nil
	}
	return nil, fs.ErrNotExist
}

func (f oneFile) Names(dir string) ([]string, error) {
	rest, ok := strings.CutPrefix(hiveName, strings.TrimSuffix(dir, "/")+"/")
	if !ok {
		return nil, fs.ErrNotExist
	}
	name, _, _ := strings.Cut(rest, "/")
	return []string{name}, nil
}

func (f oneFile) Open(string) (collector.Reader, error) { return openFile{bytes.NewReader(f)}, nil }

type openFile struct{ *bytes.Reader }

func (openFile) Close() error { return nil }
