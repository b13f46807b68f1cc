//go:build !windows

// On Windows no directory is called "C:"; the scene reads real files there.

package onwindows

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/pe/authenticode"
	"hozen/packager/evidence"
)

// signedImages are images on a disk of three files, of which Windows knows what trust says.
func signedImages(t *testing.T, trust func(name string) (authenticode.Trust, error)) *images {
	root := t.TempDir()
	signed := hosttest.Unzip(t, "../../pe/authenticode/testdata/one.exe.gz")
	changed := append([]byte(nil), signed...)
	changed[0x400] ^= 1
	for name, b := range map[string][]byte{"signed.exe": signed, "changed.exe": changed, "text.exe": []byte("no program")} {
		at := filepath.Join(root, "C:", "x", name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &images{h: &collector.Host{Root: root, Live: true}, signs: &authenticode.Checker{Ask: trust}}
}

// TestImageSignatures: a file's own signature and Windows' word stand side by side, and
// each file is asked for once.
func TestImageSignatures(t *testing.T) {
	asked := map[string]int{}
	im := signedImages(t, func(name string) (authenticode.Trust, error) {
		asked[name]++
		if strings.HasSuffix(name, "changed.exe") {
			return authenticode.Trust{Verdict: "TRUST_E_BAD_DIGEST"}, nil
		}
		return authenticode.Trust{Verdict: "TRUST_E_NOSIGNATURE"}, evidence.NotHere("catalogues: none")
	})
	signed, changed, text, gone := im.want(`C:\x\signed.exe`), im.want(`C:\x\changed.exe`), im.want(`C:\x\text.exe`), im.want(`C:\x\gone.exe`)
	if im.want(`c:\X\SIGNED.exe`) != signed {
		t.Error("a file in other letters is another one")
	}
	var tally evidence.Tally
	im.read(t.Context(), time.Minute, &tally)
	if err := tally.Err(); err != nil {
		t.Errorf("a shortfall: %v", err)
	}
	if s := signed.Signature; s == nil || s.Status != authenticode.Good || s.Signer != "CN=試験 Signer,O=Hozen test" || s.Issuer != "CN=Test Root,O=Hozen test" ||
		len(s.Thumbprint) != 40 || s.Stamped != "2026-11-22T09:09:12Z" || s.Verdict != "TRUST_E_NOSIGNATURE" || s.Error != "catalogues: none" || s.Nobodys() || s.Changed() {
		t.Errorf("%+v", s)
	}
	if s := changed.Signature; s == nil || s.Status != authenticode.Changed || !s.Changed() || !strings.Contains(string(s.Note), "SHA-256 of the file") {
		t.Errorf("%+v", s)
	}
	if text.Signature != nil || text.SHA256 == "" || gone.Signature != nil || gone.Error == "" {
		t.Errorf("%+v %+v", text, gone)
	}
	if len(asked) != 2 || asked[`C:\x\signed.exe`] != 1 {
		t.Errorf("asked %v", asked)
	}
	im.want(`C:\x\signed.exe`)
	if im.read(t.Context(), time.Minute, &tally); asked[`C:\x\signed.exe`] != 1 {
		t.Errorf("asked again: %v", asked)
	}
}

// TestImageSignaturesInTime: what has no time left says so, and so does the table.
func TestImageSignaturesInTime(t *testing.T) {
	im := signedImages(t, nil)
	row := im.want(`C:\x\signed.exe`)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 0, evidence.Cut("over"))
	defer cancel()
	<-ctx.Done()
	var tally evidence.Tally
	each(ctx, time.Minute, "", []*ImageFile{row}, &tally, im.signature, (*ImageFile).unsure)
	if row.Signature == nil || row.Signature.Error != "skipped: over" || tally.Err() == nil {
		t.Errorf("%+v %v", row.Signature, tally.Err())
	}
}

func TestModulesBesides(t *testing.T) {
	b := &processBasis{root: `C:\Windows`}
	for path, want := range map[string]bool{
		`C:\WINDOWS\system32\ntdll.dll`: false, `C:\Windows\WinSxS\x\y.dll`: false, `C:\Windows\Temp\x.dll`: true, `C:\Windows \System32\x.dll`: true,
		`C:\Windows\System32\spool\drivers\color\x.dll`: true, `D:\x.dll`: true, `\\server\share\x.dll`: true, ``: false, `C:\WindowsX\System32\x.dll`: true,
	} {
		if b.besides(path) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
}
