package install

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hozen/service/config"
	"hozen/service/policy"
)

// image is a folder that looks like a machine with systemd, and a program to install.
func image(t *testing.T, manager string) Options {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only on linux")
	}
	root, program := t.TempDir(), filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("version 1"), 0o700); err != nil {
		t.Fatal(err)
	}
	return Options{Root: root, Manager: manager, Device: "pc-42", Image: program}
}

func files(t *testing.T, root string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, strings.TrimPrefix(p, root))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const operators = "operator:sato namespaces=\"hozen-job-v1\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE\n"

func TestInstallUpgradeUninstall(t *testing.T) {
	for _, manager := range []string{Systemd, OpenRC, SysV} {
		t.Run(manager, func(t *testing.T) {
			o := image(t, manager)
			first, err := Install(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			if first.Device != "pc-42" || !strings.HasPrefix(first.Fingerprint, "SHA256:") || first.Pinned != "" {
				t.Errorf("%+v", first)
			}
			state := filepath.Join(o.Root, first.Config.StateDir)
			waits := filepath.Join(state, config.OutboxDir, "pc.tar.zst")
			if err := errors.Join(os.WriteFile(waits, []byte("evidence"), 0o600), os.WriteFile(o.Image, []byte("version 2"), 0o700)); err != nil {
				t.Fatal(err)
			}
			again, err := Install(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			if again.Fingerprint != first.Fingerprint {
				t.Error("the upgrade made another key")
			}
			for _, s := range again.Steps {
				if want := map[bool]string{true: Changed, false: Kept}[strings.HasSuffix(s.Path, Binary())]; s.Did != want {
					t.Errorf("upgrade: %s %s, want %s", s.Did, s.Path, want)
				}
			}
			if b, err := os.ReadFile(filepath.Join(o.Root, Binary())); err != nil || string(b) != "version 2" {
				t.Errorf("program: %q, %v", b, err)
			}
			if _, err := Uninstall(context.Background(), o); err != nil {
				t.Fatal(err)
			}
			want := []string{"/var/lib/hozen/device.key.pub", "/var/lib/hozen/outbox/pc.tar.zst"}
			if got := files(t, o.Root); !slices.Equal(got, want) {
				t.Errorf("left: %v, want %v", got, want)
			}
		})
	}
}

// What is wrong with a configuration is said before anything is changed.
func TestInstallChangesNothingForABrokenConfiguration(t *testing.T) {
	o := image(t, Systemd)
	file := filepath.Join(o.Root, config.DefaultFile())
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("devise: x\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	var p config.Problems
	if _, err := Install(context.Background(), o); !errors.As(err, &p) {
		t.Fatal(err)
	}
	if got := files(t, o.Root); len(got) != 1 {
		t.Errorf("made: %v", got)
	}
}

// The trust file is pinned once; changed behind our back, it is refused.
func TestInstallPinsTrust(t *testing.T) {
	o := image(t, Systemd)
	o.Trust = filepath.Join(t.TempDir(), "operators")
	if err := os.WriteFile(o.Trust, []byte(operators), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := Install(context.Background(), o)
	if err != nil || len(done.Pinned) != 64 {
		t.Fatalf("%+v, %v", done, err)
	}
	o.Trust = ""
	if _, err := Install(context.Background(), o); err != nil {
		t.Errorf("an upgrade: %v", err)
	}
	trust := filepath.Join(o.Root, done.Config.Trust)
	if err := os.WriteFile(trust, []byte(operators+strings.Replace(operators, "sato", "mallory", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(context.Background(), o); !errors.Is(err, policy.ErrNotPinned) {
		t.Errorf("a changed trust file: %v", err)
	}
}

// A machine that is cut off keeps what can release it.
func TestUninstallRefusesWhileIsolated(t *testing.T) {
	o := image(t, Systemd)
	done, err := Install(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	before := files(t, o.Root)
	at := filepath.Join(o.Root, done.Config.In(config.IsolationFile))
	if err := os.WriteFile(at, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Uninstall(context.Background(), o); !errors.Is(err, ErrIsolated) {
		t.Errorf("%v", err)
	}
	if got := files(t, o.Root); len(got) != len(before)+1 {
		t.Errorf("left: %v", got)
	}
}

func TestUnitsSayWhatTheConfigurationSays(t *testing.T) {
	c := config.Default()
	c.OnShutdown = config.ShutdownVolatile
	c.Limits.Memory = 512 << 20
	c.Destinations = []config.Destination{{Name: "a", To: "/mnt/my evidence"}, {Name: "b", To: "sftp://192.0.2.1/x"}}
	all := map[string]string{}
	for _, f := range Files(Systemd, "/etc/hozen/hozen.yaml", c, false) {
		all[f.Path] = f.Text
		if strings.Contains(f.Text, "@") && strings.Contains(strings.ReplaceAll(f.Text, "hozen-collect@", ""), "@") && !strings.Contains(f.Text, "@system-service") {
			t.Errorf("%s: not all was filled in:\n%s", f.Path, f.Text)
		}
		for _, word := range []string{"@BINARY", "@CONFIG", "@STATE", "@WRITES", "@MEMORY", "@CPU", "@IO", "@STOP", "@HARDENING"} {
			if strings.Contains(f.Text, word) {
				t.Errorf("%s: %s is left", f.Path, word)
			}
		}
	}
	unit := all["/etc/systemd/system/hozen.service"]
	for _, want := range []string{"MemoryMax=536870912\n", "ReadWritePaths=/var/lib/hozen\n", "ReadWritePaths=-\"/mnt/my evidence\"\n", "TimeoutStopSec=90\n", "WatchdogSec=2min\n", "NoNewPrivileges=yes\n", "\nStartLimitIntervalSec=0\n", "\nRestart=always\n", "\nRestartSec=5\n"} {
		if !strings.Contains(unit, want) {
			t.Errorf("no %q in\n%s", want, unit)
		}
	}
	for name, text := range all {
		for _, late := range []string{"\nRestartSteps=", "\nRestartMaxDelaySec="} {
			if strings.Contains(text, late) {
				t.Errorf("%s: %q is not known to systemd 252, which warns at every reload", name, late)
			}
		}
	}
	if !strings.Contains(all[logind], "InhibitDelayMaxSec=65\n") {
		t.Errorf("logind: %q", all[logind])
	}
}

func TestCaseOf(t *testing.T) {
	for instance, want := range map[string]string{
		"case-42": "case-42", `\xe6\xa1\x88\xe4\xbb\xb642`: "案件42", `a\x2db`: "a-b", `a\x2`: `a\x2`, `a\xzz`: `a\xzz`, "": "",
	} {
		if got := CaseOf(instance); got != want {
			t.Errorf("%q: %q, want %q", instance, got, want)
		}
	}
}

// kardianos/service starts /sbin/initctl in its init where there is no systemd: it must
// not be part of the program that runs on suspect hosts.
func TestNothingThatStartsProgramsIsLinked(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("needs the go command: %v", err)
	}
	c := exec.Command(goTool, "list", "-deps", "hozen/agent")
	c.Dir, c.Env = "../..", append(os.Environ(), "GOOS=linux")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "hozen/service/install\n") || strings.Contains(string(out), "kardianos") {
		t.Error("kardianos/service is linked into the program for Linux, or install is not")
	}
}

// Into a folder that others may write, or that belongs to them, nothing is put.
func TestHostileFolders(t *testing.T) {
	for name, at := range map[string]string{"state": "var/lib/hozen", "above the state": "var/lib", "configuration": "etc/hozen"} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			open := filepath.Join(root, at)
			if err := os.MkdirAll(open, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(open, 0o777); err != nil {
				t.Fatal(err)
			}
			_, err := Install(t.Context(), Options{Root: root, Manager: Systemd, Device: "pc-42"})
			if !errors.Is(err, ErrNotOurs) || !strings.Contains(err.Error(), open) {
				t.Errorf("%v", err)
			}
			if _, err := os.Lstat(filepath.Join(root, "var/lib/hozen/device.key")); err == nil {
				t.Error("a key was made there")
			}
		})
	}
}
