package report

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// chromium starts one for a test and ends it with the test. What breaks the policy of a page
// is counted from its beginning.
func chromium(t *testing.T) context.Context {
	t.Helper()
	const program = "/usr/bin/chromium"
	if _, err := os.Stat(program); err != nil {
		t.Skip("no chromium here")
	}
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	flags := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.UserDataDir(dir), chromedp.NoInheritEnv,
		chromedp.Env("PATH=/usr/bin:/bin", "HOME="+dir, "LANG=C.UTF-8", "TZ=Asia/Tokyo")}
	for _, f := range []string{"headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "no-default-browser-check", "hide-scrollbars", "disable-dev-shm-usage"} {
		flags = append(flags, chromedp.Flag(f, true))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, done := chromedp.NewContext(alloc)
	bounded, over := context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(func() {
		if err := chromedp.Cancel(bounded); err != nil { // closes the browser and waits for it
			t.Errorf("closing chromium: %v", err)
		}
		over()
		done()
		stop()
		for range 100 { // the last of its children may still write
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	drive(t, bounded, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: "window.broken=[];document.addEventListener('securitypolicyviolation',e=>window.broken.push(e.violatedDirective+' '+e.sample+' '+e.blockedURI))"})
		return err
	}))
	return bounded
}

type void = chromedp.Action[chromedp.Void]

func drive(t *testing.T, ctx context.Context, actions ...void) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func js[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	return ask(t, ctx, chromedp.Evaluate[T](expression))
}

// open writes a page to a file and shows it.
func open(t *testing.T, ctx context.Context, c Case) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(name, written(t, c), 0o600); err != nil {
		t.Fatal(err)
	}
	drive(t, ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: name}).String()))
}

// TestInert shows the attacks of a hostile host to a browser: nothing of them runs, nothing
// is fetched, and they are read as text.
func TestInert(t *testing.T) {
	ctx := chromium(t)
	drive(t, ctx, chromedp.EmulateViewport(1280, 900))
	c := scene(t, 1000, 20000)
	open(t, ctx, c)
	t.Logf("opened in %v ms, %v elements", js[float64](t, ctx, "performance.timing.loadEventEnd-performance.timing.navigationStart"), js[int64](t, ctx, "document.querySelectorAll('*').length"))
	check := func() {
		t.Helper()
		if js[bool](t, ctx, "typeof window.hacked!=='undefined'||document.title==='hacked'") {
			t.Fatal("the host's script ran")
		}
		if broken := js[[]string](t, ctx, "window.broken"); len(broken) != 0 {
			t.Fatalf("the policy was broken: %q", broken)
		}
		if n := js[int64](t, ctx, "performance.getEntriesByType('resource').length"); n != 0 {
			t.Fatalf("%d things were fetched", n)
		}
	}
	check()
	if n := js[int64](t, ctx, "document.querySelectorAll('img,iframe,link,base,form,object,script:not(:last-of-type)').length"); n != 0 {
		t.Errorf("%d elements that are none of ours", n)
	}
	if got := js[string](t, ctx, "document.querySelector('h1 .en bdi').textContent"); got != attacks()[0][:len(got)] || len(got) < 40 {
		t.Errorf("the name of the host is %q", got)
	}
	if got := js[string](t, ctx, "getComputedStyle(document.querySelector('bdi')).unicodeBidi"); got != "isolate" {
		t.Errorf("a text of the host is %q", got)
	}
	// The language can be changed, tables filtered and sorted, the picture made wider.
	drive(t, ctx, chromedp.Click(chromedp.CSS("label[for=lang-ja]")))
	if got := js[string](t, ctx, "document.querySelector('#s3 h2').innerText"); !regexp.MustCompile("収集の完全性").MatchString(got) {
		t.Errorf("in Japanese the third heading is %q", got)
	}
	if got := js[string](t, ctx, "document.documentElement.lang"); got != "ja" {
		t.Errorf("the language is %q", got)
	}
	seen := js[int64](t, ctx, "(()=>{let f=document.querySelector('#s7 .find');f.value='worker-999';f.oninput();return [...document.querySelectorAll('#s7 tbody tr')].filter(r=>r.offsetParent).length})()")
	if seen == 0 || seen > 5 {
		t.Errorf("%d processes are called worker-999", seen)
	}
	if first := js[string](t, ctx, "(()=>{let h=document.querySelectorAll('#s7 th')[1];h.onclick();h.onclick();return document.querySelector('#s7 tbody tr td:nth-child(2)').textContent})()"); first != "1000" {
		t.Errorf("sorted downwards, the first is %q", first)
	}
	if wider := js[bool](t, ctx, "(()=>{let s=document.querySelector('.pan svg'),w=s.getBoundingClientRect().width;document.getElementById('z2').click();return s.getBoundingClientRect().width>2*w&&s.querySelectorAll('rect').length>300})()"); !wider {
		t.Error("the picture did not become wider, or is empty")
	}
	check()
	drive(t, ctx, chromedp.EmulateViewport(390, 844))
	if w := js[int64](t, ctx, "document.documentElement.scrollWidth"); w > 390 {
		t.Errorf("on a telephone the page is %d pixels wide", w)
	}
}

// TestWithoutScript shows that the language can be changed and all rows be seen without
// script: as a browser does that runs none.
func TestWithoutScript(t *testing.T) {
	ctx := chromium(t)
	open(t, ctx, scene(t, 300, 500))
	state := "(()=>{document.documentElement.className='';let vis=q=>document.querySelector(q).offsetParent!==null;let a=vis('h2 .en');document.getElementById('lang-ja').checked=true;let b=vis('h2 .ja'),c=vis('h2 .en'),d=vis('#s7 tbody.rest tr');" +
		"document.querySelector('#s7 input.more').checked=true;return [a,b,c,d,vis('#s7 tbody.rest tr')].join()})()"
	if got := js[string](t, ctx, state); got != "true,true,false,false,true" {
		t.Errorf("%s", got)
	}
}

// TestPrinted prints the report as it is filed: A4, the tables folded.
func TestPrinted(t *testing.T) {
	ctx := chromium(t)
	c := scene(t, 200, 2000)
	c.Japanese = true
	open(t, ctx, c)
	pdf := ask(t, ctx, chromedp.PrintToPDF(func(p *page.PrintToPDFParams) { p.PreferCSSPageSize, p.PrintBackground = new(true), new(true) }))
	pages := regexp.MustCompile(`/Type\s*/Page\b[^s]`).FindAll(pdf, -1)
	if len(pages) < 8 || len(pages) > 60 {
		t.Errorf("%d pages", len(pages))
	}
	if m := regexp.MustCompile(`/MediaBox\s*\[0 0 ([0-9.]+) ([0-9.]+)\]`).FindSubmatch(pdf); m == nil || string(m[1])[:3] != "594" && string(m[1])[:3] != "595" {
		t.Errorf("the paper is %q", m)
	}
	if dir := os.Getenv("HOZEN_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "report.pdf"), pdf, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d pages, %d bytes", len(pages), len(pdf))
}

// TestScreenshots writes pictures of the page into the folder that HOZEN_SCREENSHOTS names:
// for eyes.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("HOZEN_SCREENSHOTS")
	if dir == "" {
		t.Skip("long test: HOZEN_SCREENSHOTS names no folder")
	}
	ctx := chromium(t)
	open(t, ctx, scene(t, 60, 2000))
	if name := os.Getenv("HOZEN_REPORT"); name != "" {
		drive(t, ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: name}).String()))
	}
	for _, lang := range []string{"en", "ja"} {
		js[bool](t, ctx, "(document.getElementById('lang-"+lang+"').click(),true)")
		for _, width := range []int64{1280, 390} {
			drive(t, ctx, chromedp.EmulateViewport(width, 900))
			png := ask(t, ctx, chromedp.FullScreenshot(100))
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("report-%d-%s.png", width, lang)), png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
