package console

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/packager"
	"hozen/packager/report"
	"hozen/packager/signed"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

// TestReport makes the report on a stored archive, for who may read it, in a page that has
// no part in the console.
func TestReport(t *testing.T) {
	b := newBench(t, nil)
	b.fill(newPeople(t, "alice"))
	a := b.hub.kept[1]
	at := "/archives/" + a.Device + "/" + a.Collection + "/report.html"
	if resp, _ := b.as(view.Viewer).get(at); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer: %d", resp.StatusCode)
	}
	w := b.as(view.Auditor)
	resp, body := w.get(at)
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, `<section id="s15">`) || !strings.Contains(body, string(packager.Valid)+": ") {
		t.Fatalf("%d: %.2000s", resp.StatusCode, body)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, report.Policy()+"; sandbox allow-scripts") || strings.Contains(policy, "allow-same-origin") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("policy: %s", policy)
	}
	if got := resp.Header.Get("Content-Disposition"); got != `inline; filename="`+a.Collection+`.report.html"` {
		t.Error(got)
	}
	if _, page := w.get("/archives/" + a.Device + "/" + a.Collection); !strings.Contains(page, `href="`+at+`"`) {
		t.Error("its page does not lead to the report")
	}
	stored := b.hub.stored[a.Device+"/"+a.Collection+"/archive"]
	stored[len(stored)/2] ^= 1
	if _, body := w.get(at); !strings.Contains(body, string(packager.Invalid)+": ") {
		t.Error("of changed bytes it says something else than INVALID")
	}
	b.hub.stored[a.Device+"/"+a.Collection+"/archive"] = stored[:100]
	if resp, _ := w.get(at); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("too short: %d", resp.StatusCode)
	}
}

// Of cipher text the report tells what the custody log does, and that no more was seen.
func TestReportOfCipherText(t *testing.T) {
	b := newBench(t, nil)
	dir := filepath.Join("..", "..", "..", "testdata", "archives", "encrypted")
	archive, err := os.ReadFile(filepath.Join(dir, "archive.tar.zst.age"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "archive.custody.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	const id = "pc-1-20261122t054100z-1a2b3c"
	b.hub.store(view.Archive{Receipt: protocol.Receipt{Collection: id, Device: "pc-1", Verdict: "VALID-OUTER", Archive: protocol.Whole{Name: id + ".tar.zst.age", Bytes: int64(len(archive))}}}, archive, log)
	resp, body := b.as(view.Auditor).get("/archives/pc-1/" + id + "/report.html")
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, `<section id="s15">`) || !strings.Contains(body, signed.HexSum(archive)[:16]) {
		t.Errorf("%d: %.3000s", resp.StatusCode, body)
	}
}
