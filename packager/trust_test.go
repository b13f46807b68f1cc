package packager

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager/signed"
	"hozen/packager/text/texttest"
)

// Each row is a trust file (KEY is the device's key), and whether it makes
// device:pc-42 believed for a genesis at testTime. ssh-keygen must say the same.
func trustRows() []struct {
	name, file string
	want       bool
} {
	return []struct {
		name, file string
		want       bool
	}{
		{"plain", "device:pc-42 KEY\n", true},
		{"comment on the key", "device:pc-42 KEY somebody here\n", true},
		{"no last newline", "device:pc-42 KEY", true},
		{"comments and blank lines", "# who\n\n  \ndevice:pc-42 KEY\n", true},
		{"namespace", `device:pc-42 namespaces="hozen-genesis-v1" KEY` + "\n", true},
		{"namespaces", `device:pc-42 namespaces="file,hozen-genesis-v1" KEY` + "\n", true},
		{"namespace pattern", `device:pc-42 namespaces="hozen-*" KEY` + "\n", true},
		{"namespace excluded", `device:pc-42 namespaces="hozen-*,!hozen-genesis-v1" KEY` + "\n", false},
		{"another namespace", `device:pc-42 namespaces="file" KEY` + "\n", false},
		{"another namespace first", `device:pc-42 namespaces="file" KEY` + "\ndevice:pc-42 KEY\n", true},
		{"another principal", "device:pc-43 KEY\n", false},
		{"case of the principal", "device:PC-42 KEY\n", false},
		{"two principals", "alice,device:pc-42 KEY\n", true},
		{"principal pattern", "device:pc-?? KEY\n", true},
		{"pattern with brackets", "device:pc-[0-9]2 KEY\n", false},
		{"any", "* KEY\n", true},
		{"stars", "d*:**-*2* KEY\n", true},
		{"stars that do not fit", "d*c*2? KEY\n", false},
		{"backslash", "device:pc\\-42 KEY\n", false},
		{"excluded", "*,!device:pc-42 KEY\n", false},
		{"excluded, then not", "*,!device:pc-42 KEY\ndevice:* KEY\n", true},
		{"only excluded", "!device:pc-43 KEY\n", false},
		{"valid", `device:pc-42 valid-after="20261101",valid-before="20261201" KEY` + "\n", true},
		{"valid from this second", `device:pc-42 valid-after="20261121090000Z" KEY` + "\n", true},
		{"valid to this second", `device:pc-42 valid-before="20261121090000Z" KEY` + "\n", true},
		{"not yet valid", `device:pc-42 valid-after="20261121090001Z" KEY` + "\n", false},
		{"expired", `device:pc-42 valid-before="20261121085959Z" KEY` + "\n", false},
		{"minutes", `device:pc-42 valid-before="202611210859Z" KEY` + "\n", false},
		{"an authority", "device:pc-42 cert-authority KEY\n", false},
		{"another key", "device:pc-42 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE\n", false},
		{"quoted principal", `"device:pc-42" KEY` + "\n", true},
		{"tab", "device:pc-42\tKEY\n", true},
		{"several spaces", "device:pc-42   KEY\n", true},
		{"carriage returns", "device:pc-42 KEY\r\n", true},
		{"empty", "", false},
	}
}

func TestTrustAgainstSSHKeygen(t *testing.T) {
	keygen, lookErr := exec.LookPath("ssh-keygen")
	d := newDevice(t, "pc-42")
	pub, err := d.Public()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	msg := []byte("genesis\n")
	sig, err := signed.Sign(d.Signer, signed.Genesis, msg)
	if err != nil {
		t.Fatal(err)
	}
	sigFile := filepath.Join(dir, "sig")
	if err := os.WriteFile(sigFile, sig, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, row := range trustRows() {
		file := strings.ReplaceAll(row.file, "KEY", signed.PublicText(pub))
		trust, err := ParseTrust(strings.NewReader(file))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if err := trust.Check("device:pc-42", signed.PublicText(pub), signed.Genesis, testTime); (err == nil) != row.want {
			t.Errorf("%s: %v", row.name, err)
		}
		if lookErr != nil {
			continue
		}
		name := filepath.Join(dir, "allowed"+string(rune('a'+i)))
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(keygen, "-Y", "verify", "-f", name, "-I", "device:pc-42", "-n", signed.Genesis, "-s", sigFile, "-O", "verify-time="+testTime.Format("20060102150405"))
		c.Env, c.Stdin = append(os.Environ(), "TZ=UTC"), strings.NewReader(string(msg))
		if out, err := c.CombinedOutput(); (err == nil) != row.want {
			t.Errorf("%s: ssh-keygen says %v: %s", row.name, err, out)
		}
	}
}

func TestTrustErrorsNameTheLine(t *testing.T) {
	for _, file := range []string{"device:a\n", "device:a nonsense\n", "device:a ssh-ed25519 AAAA\n",
		"device:a valid-after=\"2026\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE\n",
		"device:a valid-after=\"20260101\",valid-before=\"20250101\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE\n",
		"\"device:a ssh-ed25519 AAAA\n",
		"device:a frobnicate ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE\n"} {
		if _, err := ParseTrust(strings.NewReader("# comment\n" + file)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// A nil trust believes nobody.
func TestNoTrust(t *testing.T) {
	var none *Trust
	if none.Check("device:a", "ssh-ed25519 AAAA", signed.Seal, time.Now()) == nil {
		t.Error("somebody is believed")
	}
}

func FuzzParseTrust(f *testing.F) {
	for _, row := range trustRows() {
		f.Add(strings.ReplaceAll(row.file, "KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE"))
	}
	f.Fuzz(func(t *testing.T, file string) {
		trust, err := ParseTrust(strings.NewReader(file))
		if err == nil && trust.Check("device:pc-42", "ssh-ed25519 nobody's", signed.Genesis, testTime) == nil {
			t.Error("a key that is in no file is believed")
		}
	})
}

// TestTrustOfWindows: a mark before the first line hid that line, and ssh-keygen still
// believes nobody there.
func TestTrustOfWindows(t *testing.T) {
	pub, err := newDevice(t, "pc-42").Public()
	if err != nil {
		t.Fatal(err)
	}
	key := signed.PublicText(pub)
	for form, file := range texttest.Forms("device:pc-42 " + key + "\n# 証拠\nhub:h " + key + "\n") {
		trust, err := ParseTrust(strings.NewReader(file))
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		for _, who := range []string{"device:pc-42", "hub:h"} {
			if err := trust.Check(who, key, signed.Event, testTime); err != nil {
				t.Errorf("%s: %s: %v", form, who, err)
			}
		}
	}
}
