package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// A server whose authority is not known is not tried again: another attempt meets the same
// one. What helps is named.
func TestDeliverToUnknownAuthority(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "pc-1-20261122t054100z-1a2b3c.tar.zst")
	writeTestFile(t, file, []byte("x"))
	a, _, errs := testApp("deliver", file, "--to", s.URL+"/in/")
	code := a.run(t.Context())
	if said := errs.String(); code != exitNotSealed || !strings.Contains(said, "--to-ca FILE") || strings.Contains(said, "trying again") || strings.Contains(said, "same command") {
		t.Errorf("code %d: %s", code, said)
	}
}
