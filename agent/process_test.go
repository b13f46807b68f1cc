package main

import (
	"context"
	"path/filepath"
	"testing"

	"hozen/packager"
)

// one gives the single file in dir that matches; "" if there is none.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) > 1 {
		t.Fatalf("%s: %v %v", pattern, found, err)
	}
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// judge verifies a file with the log beside it; what the archive says of its own
// signer is believed. With identities it is opened.
func judge(t *testing.T, file string, identities ...string) *packager.Report {
	t.Helper()
	a := &app{env: func(string) string { return "" }}
	r := verifyFile(t, a, file, belief{identities: identities})
	if r.Fingerprint == "" {
		return r
	}
	return verifyFile(t, a, file, belief{fingerprints: []string{r.Fingerprint}, identities: identities})
}

func verifyFile(t *testing.T, a *app, file string, b belief) *packager.Report {
	t.Helper()
	f, err := a.openArchive(file, b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := packager.Verify(context.Background(), f, f.size, f.options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
