package disk

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"hozen/collector/hosttest"
)

func TestBring(t *testing.T) {
	dir := t.TempDir()
	one, two := testDefinitions, "name: Two\ndoc: D.\nsources:\n- {type: FILE, attributes: {paths: [/x]}}\n"
	must(t, os.MkdirAll(dir+"/sub", 0o755))
	must(t, os.WriteFile(dir+"/z.yaml", []byte(one), 0o600))
	must(t, os.WriteFile(dir+"/sub/a.yml", []byte(two), 0o600))
	must(t, os.WriteFile(dir+"/README", []byte("not one"), 0o600))
	b, err := Bring(dir)
	must(t, err)
	manifest := fmt.Sprintf("%x  sub/a.yml\n%x  z.yaml\n", sha256.Sum256([]byte(two)), sha256.Sum256([]byte(one)))
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(manifest))); b.SHA256 != want || len(b.Files) != 2 || len(b.Definitions) != 7 {
		t.Errorf("%s, want %s; %d files, %d definitions", b.SHA256, want, len(b.Files), len(b.Definitions))
	}
	var s hosttest.Sink
	must(t, b.Put(context.Background(), 1, &s))
	if string(s.Body("definitions/1/sub/a.yml")) != two || string(s.Body("definitions/1/z.yaml")) != one {
		t.Errorf("%+v", s.Records())
	}
	must(t, os.WriteFile(dir+"/bad.yaml", []byte("name: [\n"), 0o600))
	if _, err := Bring(dir); err == nil || !strings.Contains(err.Error(), "bad.yaml") {
		t.Errorf("%v", err)
	}
	if _, err := Bring(t.TempDir()); err == nil {
		t.Error("an empty folder has no definitions, and no error")
	}
}
