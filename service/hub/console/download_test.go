package console

import (
	"net/http"
	"strings"
	"testing"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

func TestDownload(t *testing.T) {
	b := newBench(t, nil)
	b.fill(newPeople(t, "alice"))
	w := b.as(view.Auditor)
	a := b.hub.kept[1]
	at := "/archives/" + a.Device + "/" + a.Collection
	resp, archive := w.get(at + "/archive")
	if resp.StatusCode != http.StatusOK || signed.HexSum([]byte(archive)) != a.Archive.SHA256 || resp.ContentLength != a.Archive.Bytes {
		t.Fatalf("%d, %d bytes", resp.StatusCode, len(archive))
	}
	h := resp.Header
	if h.Get("Content-Disposition") != `attachment; filename="`+a.Collection+`.tar.zst"` || h.Get("Content-Type") != "application/octet-stream" || h.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || !strings.HasPrefix(h.Get("Repr-Digest"), "sha-256=:") {
		t.Errorf("%v", h)
	}
	_, log := w.get(at + "/log")
	if r := verify(t, []byte(archive), []byte(log)); r.Verdict != packager.Valid || r.Collection != a.Collection {
		t.Errorf("%+v", r)
	}
	if _, receipt := w.get(at + "/receipt.json"); receipt != a.Signed.Payload {
		t.Errorf("receipt: %s", receipt)
	}
	if resp, body := w.do("HEAD", at+"/archive", nil, ""); resp.ContentLength != a.Archive.Bytes || body != "" {
		t.Errorf("HEAD: %d", resp.ContentLength)
	}
	// One on its way has nothing to download.
	if resp, _ := w.get("/archives/" + b.hub.kept[2].Device + "/" + b.hub.kept[2].Collection + "/archive"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("arriving: %d", resp.StatusCode)
	}
}

// What was never sealed does not get the name of a sealed one by being downloaded; of cipher
// text the report that is offered is one of custody alone.
func TestDownloadNames(t *testing.T) {
	b := newBench(t, nil)
	w := b.as(view.Auditor)
	const id = "pc-1-20261122t054100z-1a2b3c"
	for device, c := range map[string]struct{ name, want, verdict, says string }{
		"pc-1": {id + ".tar.zst.age", id + ".tar.zst.age", "VALID-OUTER", "the contents were not seen here"},
		"pc-2": {id + ".incomplete.tar.zst.age", id + ".incomplete.tar.zst.age", "VALID-PARTIAL", "VALID-PARTIAL"},
		"pc-3": {id + ".incomplete.tar.zst", id + ".incomplete.tar.zst", "VALID-PARTIAL", "VALID-PARTIAL"},
		"pc-4": {"../other.tar.zst", id + ".tar.zst", "INVALID", "INVALID"},
		"pc-5": {id + ".tar.zst.partial", id + ".tar.zst", "INVALID", "INVALID"},
		"pc-6": {"pc-2-20261122t054100z-1a2b3c.tar.zst", id + ".tar.zst", "INVALID", "INVALID"},
	} {
		b.hub.store(view.Archive{Receipt: protocol.Receipt{Collection: id, Device: device, Verdict: c.verdict, Archive: protocol.Whole{Name: c.name}}}, []byte("cipher text"), []byte("log"))
		at := "/archives/" + device + "/" + id
		if resp, _ := w.get(at + "/archive"); resp.Header.Get("Content-Disposition") != `attachment; filename="`+c.want+`"` {
			t.Errorf("%s: %s", c.name, resp.Header.Get("Content-Disposition"))
		}
		_, page := w.get(at)
		if !strings.Contains(page, c.says) {
			t.Errorf("%s: its page does not say %q", c.name, c.says)
		}
		if encrypted := strings.HasSuffix(c.name, ".age"); !strings.Contains(page, "report.html") || strings.Contains(page, "report tells of custody alone") != encrypted {
			t.Errorf("%s: not the right report is offered", c.name)
		}
	}
}

// A stored file that is not what the receipt says does not arrive as if it were.
func TestDownloadOfDamaged(t *testing.T) {
	b := newBench(t, nil)
	w := b.as(view.Auditor)
	body := []byte(strings.Repeat("evidence", 100<<10))
	b.hub.store(view.Archive{Receipt: protocol.Receipt{Collection: "c-1", Device: "pc-1"}}, body, []byte("log"))
	body[len(body)/2] ^= 1
	if _, got := w.get("/archives/pc-1/c-1/archive"); !strings.Contains(got, "BROKEN") {
		t.Errorf("a flipped bit: %d bytes, as if all were well", len(got))
	}
	b.hub.stored["pc-1/c-1/archive"] = body[:1000]
	if resp, _ := w.get("/archives/pc-1/c-1/archive"); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("too short: %d", resp.StatusCode)
	}
	if !strings.Contains(b.log.String(), "console: download broken") {
		t.Error("nothing of it is in the log")
	}
}

func TestCustodyLog(t *testing.T) {
	b := newBench(t, nil)
	b.fill(newPeople(t, "alice"))
	w := b.as(view.Viewer)
	a := b.hub.kept[1]
	at := "/archives/" + a.Device + "/" + a.Collection
	_, body := w.get(at)
	for _, want := range []string{"started", "checkpoint", "sealed", `<ol class="events">`, "A page for people"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(body, "/archive\" download") {
		t.Error("a viewer is offered a download")
	}
	log := b.hub.stored[a.Device+"/"+a.Collection+"/log"]
	second := strings.Index(string(log), "\n") + 1
	b.hub.stored[a.Device+"/"+a.Collection+"/log"] = []byte(string(log[:second]) + strings.Replace(string(log[second:]), "checkpoint", "checkpoinT", 1))
	if _, body = w.get(at); !strings.Contains(body, "custody log, line 2") || !strings.Contains(body, `<li value="1">`) || strings.Contains(body, `<li value="2">`) {
		t.Error("a changed line is not found")
	}
}

func TestLines(t *testing.T) {
	b := newBench(t, nil)
	b.fill(newPeople(t, "alice"))
	id := b.hub.details[0].ID
	b.hub.details[0].Devices[0].Lines = []string{`{"a":1}`, `{"b":2}` + "\n"}
	w := b.as(view.Auditor)
	if _, body := w.get("/jobs/" + id + "/lines"); body != "{\"a\":1}\n{\"b\":2}\n" {
		t.Errorf("%q", body)
	}
	if _, body := w.get("/refusals/lines"); strings.Count(body, "\n") != 2 {
		t.Errorf("%q", body)
	}
}
