package console

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"hozen/packager"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

// js evaluates an expression in the page.
func js[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	return ask(t, ctx, chromedp.Evaluate[T](expression))
}

func pageText(t *testing.T, ctx context.Context) string {
	t.Helper()
	return js[string](t, ctx, "document.body.innerText")
}

// downloadsTo has the browser keep what it downloads; the file is given when it is whole.
func downloadsTo(t *testing.T, ctx context.Context, dir string) func(name string) []byte {
	t.Helper()
	if _, err := chromedp.CallBrowser(ctx, cdbrowser.SetDownloadBehavior, cdbrowser.SetDownloadBehaviorParams{Behavior: cdbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir}); err != nil {
		t.Fatal(err)
	}
	return func(name string) (b []byte) {
		t.Helper()
		until(t, name+" is downloaded", func() bool {
			parts, _ := filepath.Glob(filepath.Join(dir, "*.crdownload"))
			var err error
			b, err = os.ReadFile(filepath.Join(dir, name))
			return err == nil && len(parts) == 0
		})
		return b
	}
}

// The whole way in a real browser: an operator drafts, signs with his own key, hands in
// and watches; he does not get the evidence; an auditor does, and verifies it.
func TestInChromium(t *testing.T) {
	p := newPeople(t, "alice", "bob")
	b := newBench(t, func(c *Config) { c.Trust = func() *packager.Trust { return p.trust } })
	b.fill(p)
	ctx := chromium(t)
	downloads := t.TempDir()
	downloaded := downloadsTo(t, ctx, downloads)

	logIn(t, ctx, b, view.Operator)
	follow(t, ctx, chromedp.Click(chromedp.CSS(`.menu a[href="/endpoints"]`)))
	follow(t, ctx, chromedp.Click(chromedp.CSS(`th a[href="/endpoints/pc-keiri-03"]`)))
	if text := pageText(t, ctx); !strings.Contains(text, "PC-KEIRI-03.corp.example") || !strings.Contains(text, "hozen/0.5.0") || !strings.Contains(text, "online") {
		t.Errorf("endpoint: %s", text)
	}
	if title := js[string](t, ctx, "document.querySelector('time').title"); !strings.Contains(title, "Local time: ") {
		t.Errorf("local time: %q", title)
	}

	id := draftAndSign(t, ctx, b, p, downloaded)
	watch(t, ctx, b, id)

	// The operator is offered no evidence, and gets none.
	archive := b.hub.kept[1]
	at := b.server.URL + "/archives/" + archive.Device + "/" + archive.Collection
	drive(t, ctx, chromedp.Navigate(at))
	if js[bool](t, ctx, `document.querySelector("a[download]") !== null`) {
		t.Error("an operator is offered a download")
	}
	if r := ask(t, ctx, chromedp.NavigateResponse(at+"/archive")); r.Status != http.StatusForbidden {
		t.Errorf("an operator gets the archive: %d", r.Status)
	}
	forge(t, ctx, b)

	logIn(t, ctx, b, view.Auditor)
	if r := ask(t, ctx, chromedp.NavigateResponse(b.server.URL+"/draft")); r.Status != http.StatusForbidden {
		t.Errorf("an auditor drafts: %d", r.Status)
	}
	drive(t, ctx, chromedp.Navigate(at), chromedp.Click(chromedp.CSS(`a[href$="/archive"]`)))
	whole := downloaded(archive.Collection + ".tar.zst")
	drive(t, ctx, chromedp.Click(chromedp.CSS(`a[href$="/log"]`)))
	if r := verify(t, whole, downloaded(archive.Collection+".custody.jsonl")); r.Verdict != packager.Valid || r.Collection != archive.Collection {
		t.Errorf("downloaded: %+v", r)
	}
	if n := js[int](t, ctx, `document.querySelectorAll(".events > li").length`); n != 5 {
		t.Errorf("%d events of custody", n)
	}
}

// draftAndSign drafts a job, has two people sign its file, and hands it in.
func draftAndSign(t *testing.T, ctx context.Context, b *bench, p people, downloaded func(string) []byte) (id string) {
	t.Helper()
	follow(t, ctx, chromedp.Click(chromedp.CSS(`main .actions a.button`)))
	if !js[bool](t, ctx, `document.querySelector('input[name=device][value="pc-keiri-03"]').checked`) {
		t.Error("the device is not chosen")
	}
	type field struct{ name, value string }
	for _, f := range []field{{"case", "2026-043"}, {"reason", "e2e <b>reason</b>"}, {"approvals", "bob"}} {
		drive(t, ctx, chromedp.SendKeys(chromedp.CSS("input[name="+f.name+"]"), f.value))
	}
	drive(t, ctx, chromedp.SetValue(chromedp.CSS("input[name=operator]"), "alice"), chromedp.Click(chromedp.CSS("input[name=ram]")))
	follow(t, ctx, chromedp.Click(chromedp.CSS("main button.main")))
	at := ask(t, ctx, chromedp.Location())
	id = at[strings.LastIndexByte(at, '/')+1:]
	if text := pageText(t, ctx); !strings.Contains(text, "hozen job sign "+id+".job --as alice") || !strings.Contains(text, "--as bob") {
		t.Fatalf("%s: %s", at, text)
	}
	drive(t, ctx, chromedp.Click(chromedp.CSS("a[download]")))
	file := downloaded(id + ".job")
	signedFile := filepath.Join(t.TempDir(), id+".job")
	if err := os.WriteFile(signedFile, p.sign(t, file, "alice"), 0o600); err != nil {
		t.Fatal(err)
	}
	drive(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{signedFile}))
	if code := follow(t, ctx, chromedp.Click(chromedp.CSS(".upload button"))); code != http.StatusUnprocessableEntity || !strings.Contains(pageText(t, ctx), "has not signed yet") {
		t.Fatalf("one of two signatures: %d", code)
	}
	if err := os.WriteFile(signedFile, p.sign(t, file, "alice", "bob"), 0o600); err != nil {
		t.Fatal(err)
	}
	drive(t, ctx, chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{signedFile}))
	if code := follow(t, ctx, chromedp.Click(chromedp.CSS(".upload button"))); code != http.StatusOK || !strings.HasSuffix(ask(t, ctx, chromedp.Location()), "/jobs/"+id) {
		t.Fatalf("handed in: %d: %s", code, pageText(t, ctx))
	}
	if n := js[int](t, ctx, `document.querySelectorAll(".signatures li.yes").length`); n != 2 {
		t.Errorf("%d good signatures", n)
	}
	return id
}

// watch sees a job go by, without loading the page again.
func watch(t *testing.T, ctx context.Context, b *bench, id string) {
	t.Helper()
	js[bool](t, ctx, "window.samePage = true")
	says := func(what string) {
		t.Helper()
		until(t, what, func() bool { return strings.Contains(pageText(t, ctx), what) })
	}
	says("The job waits for the PC")
	until(t, "the page watches", func() bool { return b.hub.watching() > 0 })
	says("Live")
	b.hub.status(id, "pc-keiri-03", func(s *protocol.DeviceStatus) { s.State, s.Progress = "started", stepEvent })
	says("Do not switch off")
	says("step 14 of 22")
	if v := js[float64](t, ctx, `document.querySelector("progress").value`); v != 13 {
		t.Errorf("progress %v", v)
	}
	b.hub.status(id, "pc-keiri-03", func(s *protocol.DeviceStatus) { s.Safe = safeEvent })
	says("the PC may be switched off. The rest is still being taken")
	b.hub.status(id, "pc-keiri-03", func(s *protocol.DeviceStatus) { s.State, s.Receipt = "delivered", "VALID" })
	says("Yes, done.")
	if !js[bool](t, ctx, "window.samePage === true") {
		t.Error("the page was loaded again")
	}
}

// forge has a page of another origin post a form: on the same host, so that the cookie
// goes along although it is SameSite=Strict.
func forge(t *testing.T, ctx context.Context, b *bench) {
	t.Helper()
	evil := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<form method="post" action="%s/logout"><button>x</button></form>`, b.server.URL)
	}))
	defer evil.Close()
	drive(t, ctx, chromedp.Navigate(evil.URL))
	if code := follow(t, ctx, chromedp.Click(chromedp.CSS("button"))); code != http.StatusForbidden {
		t.Errorf("a form of another origin: %d", code)
	}
	drive(t, ctx, chromedp.Navigate(b.server.URL+"/account"))
	if !strings.HasSuffix(ask(t, ctx, chromedp.Location()), "/account") {
		t.Error("the form of another origin logged the user out")
	}
	// Our own form with another token.
	js[string](t, ctx, `document.querySelector(".who input[name=csrf]").value = "x"`)
	if code := follow(t, ctx, chromedp.Click(chromedp.CSS(".who form button"))); code != http.StatusForbidden {
		t.Errorf("a wrong token: %d", code)
	}
	if !strings.Contains(b.log.String(), errForgery.Error()) {
		t.Error("it is not in the log")
	}
}

// What hosts say of themselves is shown and never run, in every page and in what a live
// page fetches.
func TestScriptsInChromium(t *testing.T) {
	b := newBench(t, nil)
	device := url.PathEscape(b.fillHostile())
	ctx := chromium(t)
	logIn(t, ctx, b, view.Admin)
	for _, path := range []string{"/", "/endpoints", "/endpoints/" + device, "/jobs", "/jobs/" + device, "/archives", "/archives/" + device + "/" + device, "/refusals", "/draft?device=" + device + "&reason=" + device, "/endpoints?q=" + device} {
		drive(t, ctx, chromedp.Navigate(b.server.URL+path))
		if js[string](t, ctx, "typeof window.pwned") != "undefined" {
			t.Errorf("%.40s: a planted script has run", path)
		}
		if !js[bool](t, ctx, "document.body.innerHTML.includes('pwned')") {
			t.Errorf("%.40s: what was planted is not even there", path)
		}
		if w := js[int](t, ctx, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); w > 0 {
			t.Errorf("%.40s: %d pixels too wide", path, w)
		}
	}
	drive(t, ctx, chromedp.Navigate(b.server.URL+"/endpoints/"+device))
	until(t, "the page watches", func() bool { return b.hub.watching() > 0 })
	js[bool](t, ctx, "document.querySelector('[data-region]').old = true")
	b.hub.tell(view.Event{Kind: "hello", Device: hostile})
	until(t, "the region is new", func() bool { return js[bool](t, ctx, "!document.querySelector('[data-region]').old") })
	if js[string](t, ctx, "typeof window.pwned") != "undefined" {
		t.Error("a planted script has run in what a live page fetched")
	}
	// The second wall: a script that were in a page by a mistake of ours would not run either.
	refused := js[bool](t, ctx, `(() => { const s = document.createElement("script"); try { s.textContent = "window.pwned=1"; document.body.append(s) } catch { return true } return window.pwned === undefined })()`)
	if !refused || js[string](t, ctx, "typeof window.pwned") != "undefined" {
		t.Error("an inline script runs")
	}
	js[bool](t, ctx, `(() => { try { document.body.setHTMLUnsafe("<img src=x onerror='window.pwned=1'>") } catch {} ; return true })()`)
	if js[string](t, ctx, "typeof window.pwned") != "undefined" {
		t.Error("an inline handler runs")
	}
}
