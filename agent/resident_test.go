package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/service/audit"
	"hozen/service/config"
	"hozen/service/ledger"
)

// residentConfig is the configuration of a service in a folder of its own, without a key.
func residentConfig(t *testing.T) (file string, c *config.Config) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "hozen.yaml")
	state := filepath.Join(dir, "state")
	text := "device: pc-42\nstate_dir: '" + state + "'\ntrust_file: '" + filepath.Join(dir, "trust") + "'\nveto_file: '" + filepath.Join(dir, "veto") + "'\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, c
}

func keyInstalled(t *testing.T, c *config.Config) packager.Device {
	t.Helper()
	d, err := packager.NewDevice("pc-42", nil)
	if err == nil {
		err = os.MkdirAll(c.StateDir, 0o700)
	}
	if err == nil {
		err = packager.SaveDevice(d, c.In(config.DeviceKey))
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A service that cannot start says why in one line, and what to do.
func TestServiceRunSaysWhyItCannotStart(t *testing.T) {
	for name, c := range map[string]struct {
		broken func(t *testing.T, c *config.Config)
		want   string
	}{
		"no key": {func(*testing.T, *config.Config) {}, config.DeviceKey},
		"runs already": {func(t *testing.T, c *config.Config) {
			keyInstalled(t, c)
			l, err := ledger.Open(c.In(config.LedgerFile), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}, "hozen service status"},
		"no state": {func(t *testing.T, c *config.Config) {
			keyInstalled(t, c)
			if err := os.Mkdir(c.In(config.LedgerFile), 0o700); err != nil {
				t.Fatal(err)
			}
		}, config.LedgerFile},
		"no outbox": {func(t *testing.T, c *config.Config) {
			keyInstalled(t, c)
			if err := os.WriteFile(c.In(config.OutboxDir), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, config.OutboxDir},
		"state is a file": {func(t *testing.T, c *config.Config) {
			if err := os.WriteFile(c.StateDir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "state"},
	} {
		t.Run(name, func(t *testing.T) {
			file, conf := residentConfig(t)
			c.broken(t, conf)
			a, _, stderr := testApp("service", "run", "--config", file)
			code := a.run(context.Background())
			lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
			if code != exitNotSealed || len(lines) != 2 || !strings.Contains(lines[1], "hint: ") || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit %d\n%s", code, stderr)
			}
		})
	}
}

// The mistakes of a configuration are a line each, with their hints.
func TestServiceRunSaysEachMistakeInItsLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hozen.yaml")
	if err := os.WriteFile(file, []byte("devise: pc-42\nprofil: full\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"service", "run"}, {"service", "collect", "case-1"}} {
		a, _, stderr := testApp(append(args, "--config", file)...)
		code, said := a.run(context.Background()), stderr.String()
		for _, want := range []string{"  " + file + `:1:1: the configuration has no field "devise"` + "\n", "  " + file + `:2:1: the configuration has no field "profil"` + "\n", "    hint: did you mean device?\n"} {
			if code != exitNotSealed || !strings.Contains(said, want) || strings.Contains(said, `\n`) {
				t.Errorf("exit %d, no %q in\n%s", code, want, said)
			}
		}
	}
}

// What lies beside the device key and is of another one is wrong: the service does not start
// with that audit log, and that public key would make its archives another's.
func TestServiceCheckHoldsAllAgainstTheKey(t *testing.T) {
	file, c := residentConfig(t)
	d := keyInstalled(t, c)
	check := func() (said string) {
		a, out, _ := testApp("service", "check", "--offline", "--config", file)
		a.run(context.Background())
		return out.String()
	}
	log, err := audit.Open(c.In(config.AuditFile), d.Name, d.Signer)
	if err != nil {
		t.Fatal(err)
	}
	_, err = log.Append(audit.Entry{Event: audit.Began}, time.Now())
	if err := errors.Join(err, log.Close(time.Now())); err != nil {
		t.Fatal(err)
	}
	pub := c.In(config.DeviceKey) + ".pub"
	if said := check(); strings.Contains(said, pub) || strings.Contains(said, config.AuditFile) {
		t.Fatalf("the key's own are wrong:\n%s", said)
	}
	old, err := os.ReadFile(pub)
	if err := errors.Join(err, os.Remove(pub), os.Remove(c.In(config.DeviceKey))); err != nil {
		t.Fatal(err)
	}
	keyInstalled(t, c)
	if err := os.WriteFile(pub, old, 0o600); err != nil {
		t.Fatal(err)
	}
	said := check()
	for _, want := range []string{"WRONG    " + pub, "WRONG    " + c.In(config.AuditFile)} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}

// A box that is filled by what was delivered long ago is said before a job fails for it.
func TestServiceCheckWarnsOfAFullOutbox(t *testing.T) {
	file, c := residentConfig(t)
	keyInstalled(t, c)
	text, err := os.ReadFile(file)
	if err := errors.Join(err, os.WriteFile(file, append(text, "outbox:\n  max_size: 1MiB\n"...), 0o600), os.MkdirAll(c.In(config.OutboxDir), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1000, 600 << 10} {
		id := "pc-42-20261122t090000z-000001"
		state := fmt.Sprintf(`{"collection":%q,"to":"store","state":"delivered","archive":{"name":%q},"log":{"name":%q},"added":"2026-11-22T09:00:00Z"}`, id, packager.ArchiveName(id), packager.LogName(id))
		for name, b := range map[string][]byte{packager.ArchiveName(id): make([]byte, size), id + ".delivery.json": []byte(state)} {
			if err := os.WriteFile(filepath.Join(c.In(config.OutboxDir), name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		a, out, _ := testApp("service", "check", "--offline", "--config", file)
		a.run(context.Background())
		if warned := strings.Contains(out.String(), "WARNING  "+c.In(config.OutboxDir)) && strings.Contains(out.String(), "delete_local"); warned != (size > 1000) {
			t.Errorf("%d bytes of 1 MiB:\n%s", size, out)
		}
	}
}

// A state directory that is not there is made by an installation, not by chmod.
func TestServiceCheckHintsAtWhatMakesTheState(t *testing.T) {
	file, c := residentConfig(t)
	secret := filepath.Join(filepath.Dir(file), "secret")
	text, err := os.ReadFile(file)
	if err := errors.Join(err, os.WriteFile(file, append(text, "destinations:\n  lab:\n    to: https://192.0.2.10/x\n    credentials: '"+secret+"'\n"...), 0o600)); err != nil {
		t.Fatal(err)
	}
	a, out, _ := testApp("service", "check", "--offline", "--config", file)
	a.run(context.Background())
	if !strings.Contains(out.String(), "WRONG    "+secret+": ") || strings.Contains(out.String(), "chown") || strings.Contains(out.String(), "Security") {
		t.Errorf("%s", out)
	}
	_, after, found := strings.Cut(out.String(), "WRONG    "+c.StateDir+": ")
	if lines := strings.SplitN(after, "\n", 3); !found || len(lines) < 3 || !strings.Contains(lines[1], "hozen service install") {
		t.Errorf("%s", out)
	}
}
