package console

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"hozen/service/hub/view"
)

// stream opens a live page; next gives its next event, "" at its end.
func (w *browser) stream(query string) (resp *http.Response, next func() string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	w.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", w.server.URL+"/live"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err = w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	return resp, func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return ""
	}
}

// until waits for something that is about to be so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestLive(t *testing.T) {
	b := newBench(t, nil)
	w := b.as(view.Viewer)
	resp, next := w.stream("?job=job-1")
	if resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", resp.Header)
	}
	until(t, "somebody watches", func() bool { return b.hub.watching() == 1 })
	b.hub.tell(view.Event{Kind: "status", Job: "another"})
	b.hub.tell(view.Event{Kind: "progress", Job: "job-1", Device: "pc\n\ndata: x</script>\u202e", Text: hostile})
	got := next()
	if got != `{"kind":"progress","device":"pc\\n\\ndata: x\u003c/script\u003e\\u202e","job":"job-1"}` {
		t.Errorf("%q", got)
	}
	if resp, _ := w.post("/logout", map[string][]string{"csrf": {w.token("/account")}}); resp.StatusCode != http.StatusSeeOther {
		t.Fatal(resp.StatusCode)
	}
	if got := next(); got != "" {
		t.Errorf("after the logout: %q", got)
	}
	until(t, "nobody watches", func() bool { return b.hub.watching() == 0 })
}

// Who goes away takes his watcher along, and there are only so many.
func TestLiveIsBounded(t *testing.T) {
	b := newBench(t, nil)
	w := b.as(view.Viewer)
	for range maxStreams {
		b.console.streams <- struct{}{}
	}
	if resp, _ := w.stream(""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d", resp.StatusCode)
	}
	<-b.console.streams
	resp, _ := w.stream("")
	until(t, "somebody watches", func() bool { return b.hub.watching() == 1 })
	resp.Body.Close()
	until(t, "nobody watches", func() bool { return b.hub.watching() == 0 && len(b.console.streams) == maxStreams-1 })
}
