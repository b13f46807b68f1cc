package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/service/audit"
	"hozen/service/config"
)

// runs does with an installation what the service does first: it goes on with the audit
// log, by the device key.
func runs(o Options, c *config.Config) error {
	d, err := packager.LoadDevice(o.at(c.In(config.DeviceKey)), c.Device)
	if err != nil {
		return err
	}
	key, err := d.Public()
	if err != nil {
		return err
	}
	log, err := audit.Open(o.at(c.In(config.AuditFile)), d.Name, d.Signer)
	if err != nil {
		return err
	}
	_, err = log.Append(audit.Entry{Event: audit.Began}, time.Now())
	return errors.Join(err, log.Close(time.Now()), PublicFits(o.at(c.In(config.DeviceKey)), key))
}

func aside(d Done) (out []string) {
	for _, s := range d.Steps {
		if s.Did == Aside {
			out = append(out, filepath.Base(s.Path))
		}
	}
	return out
}

// What an earlier installation left is evidence of another key: it keeps its bytes under
// other names, and the machine gets a key, a public half and an audit log that fit.
func TestInstallAgainAfterUninstall(t *testing.T) {
	o := image(t, Systemd)
	o.Device = "pc-42"
	var prints []string
	for range 3 {
		done, err := Install(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if want := min(2*len(prints), 2); len(aside(done)) != want {
			t.Errorf("set aside: %v, want %d", aside(done), want)
		}
		if slices.Contains(prints, done.Fingerprint) {
			t.Error("an old key is back")
		}
		prints = append(prints, done.Fingerprint)
		if err := runs(o, done.Config); err != nil {
			t.Errorf("it cannot start: %v", err)
		}
		seen := filepath.Join(o.Root, done.Config.In(config.LedgerFile))
		if _, err := os.Stat(seen); len(prints) > 1 && err != nil {
			t.Errorf("what was run already: %v", err)
		}
		if err := os.WriteFile(seen, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if again, err := Install(context.Background(), o); err != nil || again.Fingerprint != done.Fingerprint || len(aside(again)) != 0 {
			t.Errorf("an upgrade: %+v, %v", again, err)
		}
		if _, err := Uninstall(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
	verifyPairs(t, filepath.Join(o.Root, "var/lib/hozen"), 2)
}

// verifyPairs holds each audit log that was set aside against the key of the same time.
func verifyPairs(t *testing.T, state string, want int) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(state, "audit.*.jsonl"))
	if err != nil || len(logs) != want {
		t.Fatalf("%v, %v", logs, err)
	}
	for _, log := range logs {
		stamp := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(log), "audit."), ".jsonl")
		text, err := os.ReadFile(filepath.Join(state, "device.key."+stamp+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(text)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(log)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if head, _, err := audit.Verify(f, key, nil); err != nil || head.Seq == 0 {
			t.Errorf("%s: %+v, %v", log, head, err)
		}
	}
}

// A machine whose key has another's public half and audit log beside it is made whole.
func TestInstallMendsWhatIsOfAnotherKey(t *testing.T) {
	o := image(t, Systemd)
	first, err := Install(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := runs(o, first.Config); err != nil {
		t.Fatal(err)
	}
	file := o.at(first.Config.In(config.DeviceKey))
	d, err := packager.NewDevice("pc-42", nil)
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(file + ".pub")
	if err := errors.Join(err, os.Remove(file), os.Remove(file+".pub"), packager.SaveDevice(d, file), os.WriteFile(file+".pub", old, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := runs(o, first.Config); !errors.Is(err, audit.ErrOtherKey) {
		t.Fatalf("the machine is not broken: %v", err)
	}
	done, err := Install(context.Background(), o)
	if err != nil || len(aside(done)) != 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := runs(o, first.Config); err != nil {
		t.Errorf("it cannot start: %v", err)
	}
	verifyPairs(t, filepath.Dir(file), 1)
	if print, err := d.Fingerprint(); err != nil || print != done.Fingerprint {
		t.Errorf("another key: %v", err)
	}
}
