package console

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"hozen/packager"
)

// TestScreenshots writes pictures of every page, in both languages, for a desk and a
// phone, light and dark, into the folder that HOZEN_SCREENSHOTS names: for eyes.
// HOZEN_SCREENSHOT, if set, names the pages that are wanted. That no page is wider than its screen is
// tested along the way.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("HOZEN_SCREENSHOTS")
	if dir == "" {
		t.Skip("long test: HOZEN_SCREENSHOTS names no folder")
	}
	p := newPeople(t, "alice", "bob")
	b := newBench(t, func(c *Config) { c.Trust = func() *packager.Trust { return p.trust } })
	b.fill(p)
	ctx := chromium(t)
	archive := b.hub.kept[1]
	pages := [][2]string{
		{"login", newBench(t, nil).server.URL + "/login"}, {"overview", "/"}, {"endpoints", "/endpoints"}, {"endpoint", "/endpoints/pc-keiri-03"}, {"jobs", "/jobs"}, {"job", "/jobs/" + b.hub.details[0].ID}, {"archives", "/archives"},
		{"archive", "/archives/" + archive.Device + "/" + archive.Collection}, {"refusals", "/refusals"}, {"draft", "/draft?device=pc-keiri-04"}, {"isolate", "/draft?action=isolate"},
		{"drafted", "/draft/" + draftInto(t, ctx, b)}, {"relay", "/relay"}, {"account", "/account"}, {"missing", "/jobs/none-such"},
	}
	for _, size := range []struct {
		name          string
		width, height int64
		scheme        string
	}{{"desk", 1280, 900, "light"}, {"phone", 390, 844, "light"}, {"dark", 1280, 900, "dark"}} {
		dark := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: size.scheme}}})
			return err
		})
		drive(t, ctx, dark, chromedp.EmulateViewport(size.width, size.height))
		for _, page := range pages {
			if only := os.Getenv("HOZEN_SCREENSHOT"); only != "" && !strings.Contains(","+only+",", ","+page[0]+",") {
				continue
			}
			for _, lang := range []string{"en", "ja"} {
				u, err := url.Parse(b.server.URL)
				if err == nil {
					u, err = u.Parse(page[1])
				}
				if err != nil {
					t.Fatal(err)
				}
				q := u.Query()
				q.Set("lang", lang)
				u.RawQuery = q.Encode()
				drive(t, ctx, chromedp.Navigate(u.String()))
				if w := ask(t, ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); w > size.width {
					t.Errorf("%s, %s, %s: %d pixels wide", page[0], size.name, lang, w)
				}
				png := ask(t, ctx, chromedp.FullScreenshot(100))
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%s.png", page[0], size.name, lang)), png, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// draftInto logs the administrator in and drafts a job in his session.
func draftInto(t *testing.T, ctx context.Context, b *bench) string {
	logIn(t, ctx, b, "admin")
	drive(t, ctx, chromedp.Navigate(b.server.URL+"/draft?device=pc-keiri-04&case=2026-042&reason=beacon&profile_sha256="+strings.Repeat("5a", 32)+"&ram=on&approvals=bob"))
	follow(t, ctx, chromedp.Click(chromedp.CSS("main button.main")))
	at := ask(t, ctx, chromedp.Location())
	return at[strings.LastIndexByte(at, '/')+1:]
}
