package volatile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

const debianKernel = "../../testdata/hosts/debian-kernel.txtar"

func testTool() Tool { return Tool{Version: "test", Args: []string{"hozen", "collect"}} }

func TestHostConforms(t *testing.T) {
	t.Run("fixture", func(t *testing.T) { hosttest.Conform(t, HostIdentity(testTool()), hosttest.FromTxtar(t, debianKernel)) })
	t.Run("this host", func(t *testing.T) { hosttest.Conform(t, HostIdentity(testTool()), collector.ThisHost()) })
}

func TestReadIdentity(t *testing.T) {
	got := ReadIdentity(hosttest.FromTxtar(t, debianKernel))
	want := Identity{
		Kind: "identity", HostName: "desk17", MachineID: "0f6e5d4c3b2a19080706050403020100", BootID: "5f0c0f6e-1111-4222-8333-444455556666",
		OS: "Debian GNU/Linux 12 (bookworm)", OSID: "debian", OSVersion: "12", Kernel: "6.1.0-18-amd64",
		KernelBuild: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)", Maker: "LENOVO", Model: "20U9S0TEST", Serial: "PF-TEST01",
		UUID: "01020304-0506-0708-090a-0b0c0d0e0f10", Zone: "Asia/Tokyo", MACs: []jsonl.Text{"02:00:5e:10:00:01"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestIdentityOfThisHostAgreesWithTheSystem(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	if got := ReadIdentity(collector.ThisHost()); string(got.HostName) != name || got.Arch == "" {
		t.Errorf("host name %q, arch %q: want %q", got.HostName, got.Arch, name)
	}
}

func TestWhatNobodyMayReadIsNotDenied(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "/sys/kernel/security/ima/policy", Err: fs.ErrPermission}
	for mode, want := range map[uint32]evidence.Outcome{0o100200: evidence.Skipped, 0o100600: evidence.Denied} {
		if got, note, short := evidence.Classify(forNobody(denied, mode), 0); got != want || short != (want == evidence.Denied) {
			t.Errorf("mode %o: %v, shortfall %v: %s", mode, got, short, note)
		}
	}
}

func TestClockStartAndEnd(t *testing.T) {
	var s hosttest.Sink
	h := collector.ThisHost()
	var rows [2]ClockRow
	for i, when := range []string{"start", "end"} {
		if err := PutClock(context.Background(), h, &s, when); err != nil {
			t.Fatal(err)
		}
		body := s.Body("volatile/host/clock-" + when + ".jsonl")
		line, _, _ := strings.Cut(string(body), "\n")
		if err := json.Unmarshal([]byte(line), &rows[i]); err != nil {
			t.Fatalf("%s: %v in %s", when, err, body)
		}
		if rows[i].When != when || rows[i].Kind != "clock" {
			t.Errorf("row %+v", rows[i])
		}
	}
	a, b := rows[0], rows[1]
	wa, err := time.Parse(time.RFC3339Nano, a.Wall)
	if err != nil || time.Since(wa).Abs() > time.Minute {
		t.Errorf("wall %q: %v", a.Wall, err)
	}
	if a.MonotonicNS != 0 && (b.MonotonicNS <= a.MonotonicNS || b.BoottimeNS <= a.BoottimeNS || a.SpreadNS < 0) {
		t.Errorf("clocks stand still or go back: %+v then %+v", a, b)
	}
}

func TestDecodeNTP(t *testing.T) {
	got := decodeNTP(ntpReading{state: 0, status: 0x2001, offset: -12345, freq: 655360, maxError: 1000, estError: 10, tick: 10000, tai: 37})
	want := NTPRow{
		Kind: "ntp", State: "ok", Status: 0x2001, StatusNames: []string{"PLL", "NANO"}, OffsetNS: -12345,
		FreqScaled: 655360, MaxErrorUS: 1000, EstErrorUS: 10, TickUS: 10000, TAIOffset: 37, Synced: true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = decodeNTP(ntpReading{state: 5, status: 0x40, offset: 7})
	if got.State != "error" || got.Synced || got.OffsetNS != 7000 {
		t.Errorf("unsynchronised clock in µs: %+v", got)
	}
	if s := decodeNTP(ntpReading{state: 99}).State; s != "unknown" {
		t.Errorf("state 99 is %q", s)
	}
}

func TestToolRow(t *testing.T) {
	r := &factReader{h: collector.ThisHost()}
	row := toolRow(r, testTool())
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(b); row.SHA256 != hex.EncodeToString(sum[:]) || row.Size != int64(len(b)) {
		t.Errorf("sha256 %s of %d bytes, not that of %s", row.SHA256, row.Size, exe)
	}
	if row.PID != os.Getpid() || row.Error != "" || row.Path == "" {
		t.Errorf("%+v", row)
	}
	if o, _, _ := evidence.Classify(r.tally.Err(), 1); o != evidence.Collected {
		t.Errorf("outcome %v: %v", o, r.tally.Err())
	}
}

func TestToolIsInfluenced(t *testing.T) {
	row := ToolRow{Interpreter: "/lib64/ld-linux-x86-64.so.2", Mapped: []jsonl.Text{"/tmp/evil.so"}, Environment: []jsonl.Text{"LD_PRELOAD=/tmp/evil.so"}}
	row.Rights.TracerPID = "77"
	row.judge()
	if !row.Influenced || len(row.InfluencedBy) != 4 {
		t.Errorf("%v %q", row.Influenced, row.InfluencedBy)
	}
	static := ToolRow{Environment: []jsonl.Text{"LD_PRELOAD=/tmp/evil.so"}}
	static.Rights.TracerPID = "0"
	if static.judge(); static.Influenced {
		t.Errorf("a static image ignores LD_PRELOAD: %q", static.InfluencedBy)
	}
}

func TestCodeFiles(t *testing.T) {
	const maps = "00400000-00800000 r-xp 00000000 fd:01 1 /usr/bin/hozen (deleted)\n" +
		"7f0000000000-7f0000001000 r-xp 00000000 fd:01 2                          /tmp/a b.so\n" +
		"7f0000002000-7f0000003000 r--p 00000000 fd:01 2                          /etc/data\n" +
		"7fff00000000-7fff00001000 r-xp 00000000 00:00 0                          [vdso]\n"
	if d := cmp.Diff([]string{"/tmp/a b.so"}, codeFiles(maps, "/usr/bin/hozen")); d != "" {
		t.Error(d)
	}
}

func TestEnvironmentKeepsNoSecrets(t *testing.T) {
	kept, names := environmentThatMatters([]string{"LD_PRELOAD=x", "AWS_SECRET_ACCESS_KEY=hush", "TZ=Asia/Tokyo", "GOGC=50"})
	if d := cmp.Diff([]jsonl.Text{"GOGC=50", "LD_PRELOAD=x", "TZ=Asia/Tokyo"}, kept); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]jsonl.Text{"AWS_SECRET_ACCESS_KEY"}, names); d != "" {
		t.Error(d)
	}
}

func TestVirtualisation(t *testing.T) {
	for _, c := range []struct {
		name string
		hw   HardwareRow
		want jsonl.Text
	}{
		{"bare", HardwareRow{Maker: "LENOVO"}, ""},
		{"vmware", HardwareRow{Maker: "VMware, Inc.", Model: "VMware Virtual Platform"}, "vmware"},
		{"hyper-v", HardwareRow{Maker: "Microsoft Corporation", Model: "Virtual Machine"}, "hyper-v"},
		{"qemu", HardwareRow{Maker: "QEMU", Model: "Standard PC (Q35 + ICH9, 2009)"}, "qemu"},
	} {
		r := &factReader{h: hosttest.FromTxtar(t, debianKernel)}
		if got := virtualisationRow(r, c.hw).Kinds(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestParseOSRelease(t *testing.T) {
	got := parseOSRelease("# comment\nID=arch\nNAME='a \"b\" c'\nX=\"q \\\"w\\\" \\$\"\nID=other\nnothing\n=\n")
	want := map[string]string{"ID": "other", "NAME": `a "b" c`, "X": `q "w" $`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func FuzzParseOSRelease(f *testing.F) {
	f.Add("ID=debian\nNAME=\"x\\\"\n")
	f.Fuzz(func(t *testing.T, s string) {
		for k, v := range parseOSRelease(s) {
			if strings.Contains(v, "\n") || k == "" {
				t.Errorf("%q=%q", k, v)
			}
		}
	})
}
