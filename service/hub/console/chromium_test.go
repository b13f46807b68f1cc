package console

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// chromium starts one for a test and ends it with the test.
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
	for _, f := range []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "ignore-certificate-errors", "no-default-browser-check", "hide-scrollbars", "disable-dev-shm-usage"} {
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
		removeAll(t, dir)
	})
	drive(t, bounded)
	return bounded
}

// removeAll waits for the last of a browser's children to write no more.
func removeAll(t *testing.T, dir string) {
	for range 100 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%s: cannot be removed", dir)
}

type void = chromedp.Action[chromedp.Void]

func drive(t *testing.T, ctx context.Context, actions ...void) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// ask runs an action that has an answer.
func ask[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// logIn logs a user in by the form, whoever was before.
func logIn(t *testing.T, ctx context.Context, b *bench, name string) {
	t.Helper()
	drive(t, ctx, chromedp.Navigate(b.server.URL+"/login"))
	if at := ask(t, ctx, chromedp.Location()); !strings.HasSuffix(at, "/login") {
		follow(t, ctx, chromedp.Click(chromedp.CSS(".who form button")))
	}
	drive(t, ctx, chromedp.SendKeys(chromedp.CSS("input[name=name]"), name), chromedp.SendKeys(chromedp.CSS("input[name=password]"), password))
	follow(t, ctx, chromedp.Click(chromedp.CSS("main button.main")))
	if ok := ask(t, ctx, chromedp.Evaluate[bool](`document.querySelector(".me") !== null`)); !ok {
		t.Fatalf("%s is not logged in", name)
	}
}

// follow does what loads another page, and gives its status.
func follow(t *testing.T, ctx context.Context, actions ...void) int64 {
	t.Helper()
	r, err := chromedp.RunResponse(ctx, actions...)
	if err != nil {
		t.Fatal(err)
	}
	return int64(r.Status)
}
