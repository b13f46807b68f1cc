package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"hozen/packager"
	"hozen/service/hub/view"
	"hozen/service/job"
	"hozen/service/protocol"
)

// hostile is what a host may call itself, and say: it breaks out of text, attributes,
// addresses and scripts, turns the direction of writing, and moves cursors.
const hostile = `"><script>window.pwned=1</script><img src=x onerror="window.pwned=1">'--></title></textarea><svg/onload=window.pwned=1>javascript:window.pwned=1//` +
	"\u202egpj.exe\u2066\u200b\x1b[2J\r\nSet-Cookie: a=b\x00\xff\u2028{{.}}" + "`${window.pwned=1}`"

// fillHostile has every text that comes from outside be a hostile one.
func (b *bench) fillHostile() (device string) {
	h := b.hub
	device = hostile
	e := endpointNamed(device, hostile, true)
	e.ID, e.DeviceKey, e.LastSeen, e.Enrolled = hostile, hostile, hostile, hostile
	e.Hello = protocol.Hello{Device: hostile, Version: hostile, Host: hostile, OS: hostile, Busy: hostile, Isolated: hostile, Outbox: 1}
	h.list = append(h.list, e)
	event, _ := json.Marshal(map[string]any{"event": "step_began", "step": 3, "steps": 9, "collector": hostile, "items": 4, "text": hostile})
	safe, _ := json.Marshal(map[string]any{"event": "incomplete", "text": hostile})
	status := protocol.DeviceStatus{Device: hostile, State: "started", Reason: hostile, Progress: string(event), Safe: string(safe), Receipt: hostile, Lines: []string{hostile}}
	odd := status
	odd.State = hostile
	j := view.Job{ID: hostile, Action: hostile, Profile: hostile, Case: hostile, Operator: hostile, Approvals: []string{hostile}, Reason: hostile, Sent: hostile,
		SentBy: hostile, Targets: []string{hostile}, Envelope: hostile, Payload: hostile}
	h.details = append(h.details, view.JobDetail{Job: j, Devices: []protocol.DeviceStatus{status, odd}})
	r := protocol.Receipt{Collection: hostile, Endpoint: hostile, Device: hostile, Job: hostile, Archive: protocol.Whole{Name: hostile + ".age"}, Verdict: hostile,
		Head: hostile, Stored: hostile, Hub: hostile, Key: hostile, Time: hostile}
	report, _ := json.Marshal(packager.Report{Findings: []string{hostile}, Notes: []string{hostile}})
	h.store(view.Archive{Receipt: r, Report: report}, []byte("archive"), []byte(hostile))
	h.details[0].Archives = h.kept
	h.lines = append(h.lines, view.Line{Device: hostile, Job: hostile, State: hostile, Reason: hostile, Time: hostile, Taken: hostile, Text: hostile})
	h.about = view.About{Name: hostile, Version: hostile}
	return device
}

// inert finds what of a page a browser would run, or show as what it is not.
func inert(t *testing.T, name, body string) {
	t.Helper()
	for i, r := range body {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			t.Errorf("%s: character %U at %d", name, r, i)
			break
		}
	}
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attrs := map[string]string{}
		for _, a := range n.Attr {
			attrs[a.Key] = a.Val
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" {
				t.Errorf("%s: <%s %s=%.80q>", name, n.Data, a.Key, a.Val)
			}
		}
		for _, key := range []string{"href", "src", "action"} {
			if v, ok := attrs[key]; ok && (!strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "?") && !strings.HasPrefix(v, "#") || strings.HasPrefix(v, "//")) {
				t.Errorf("%s: <%s %s=%.80q>", name, n.Data, key, v)
			}
		}
		switch n.Data {
		case "script":
			if attrs["src"] != "/static/app.js" || n.FirstChild != nil {
				t.Errorf("%s: a script", name)
			}
		case "img":
			if attrs["src"] != "/static/icon.svg" {
				t.Errorf("%s: an image", name)
			}
		case "iframe", "object", "embed", "base", "style", "template":
			t.Errorf("%s: <%s>", name, n.Data)
		}
	}
}

func TestHostileText(t *testing.T) {
	b := newBench(t, nil)
	device := url.PathEscape(b.fillHostile())
	w := b.as(view.Admin)
	w.header.Set("Accept-Language", "ja")
	for _, path := range []string{"/", "/endpoints", "/endpoints?q=" + url.QueryEscape(hostile), "/endpoints/" + device, "/jobs", "/jobs/" + device, "/archives", "/archives/" + device + "/" + device, "/refusals",
		"/draft?device=" + device + "&case=" + device + "&ioc=" + device + "&reason=" + device, "/draft?action=" + device, "/login", "/relay", "/account", "/" + device, "/jobs?q=" + url.QueryEscape(hostile) + "&page=9"} {
		resp, body := w.get(path)
		if resp.StatusCode >= 500 {
			t.Errorf("%.60s: %d", path, resp.StatusCode)
		}
		inert(t, path[:min(len(path), 40)], body)
		if !strings.Contains(body, `lang="ja"`) && resp.StatusCode == http.StatusOK {
			t.Errorf("%.60s: not in Japanese", path)
		}
	}
	_, body := w.get("/endpoints/" + device)
	if !strings.Contains(body, `\u202egpj.exe`) || !strings.Contains(body, `&lt;script&gt;`) {
		t.Error("what the host said is not shown")
	}
	// What is sent back by forms.
	out := b.browser()
	if _, body := out.login(hostile, "x", hostile); true {
		inert(t, "login", body)
	}
	_, body = w.post("/draft", url.Values{"csrf": {w.token("/draft")}, "case": {hostile}, "reason": {hostile}, "ioc": {hostile}, "recipients": {hostile}, "profile": {hostile}, "operator": {hostile}})
	inert(t, "draft refused", body)
	// Names of files in headers.
	for _, file := range []string{"archive", "log", "receipt.json"} {
		resp, _ := w.get("/archives/" + device + "/" + device + "/" + file)
		d := resp.Header.Get("Content-Disposition")
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(d, `attachment; filename="`) || strings.Count(d, `"`) != 2 || strings.ContainsAny(d, "\r\n<>\\%") || strings.Contains(d, "..") {
			t.Errorf("%s: %d, %q", file, resp.StatusCode, d)
		}
		if resp.Header.Get("Set-Cookie") != "" {
			t.Error("a cookie out of a name")
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"pc-42": "pc-42", "日本語 ok": "日本語 ok", "a\u202eb": `a\u202eb`, "a\nb\tc\r": `a\nb\tc\r`, "\x1b[2J": `\x1b[2J`, "\xff\xfe": `\xff\xfe`, "\u200b\u2066": `\u200b\u2066`,
		"\U000e0041": `\U000e0041`, "\u2028": `\u2028`, "�": "�", "\x00": `\x00`, "\u0085": `\u0085`,
	} {
		if got := visible(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := string(visiblePage([]byte("a\n\tb\u202e"))); got != "a\n\tb\\u202e" {
		t.Errorf("%q", got)
	}
}

func FuzzVisible(f *testing.F) {
	f.Add(hostile)
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range visible(s) {
			if !unicode.IsPrint(r) && r != unicode.ReplacementChar {
				t.Errorf("%q: %U", s, r)
			}
		}
		n := fileName(s)
		if n == "" || len(n) > 120 || strings.ContainsAny(n, "/\\\"\r\n ;") || n[0] == '.' || n[0] == '-' {
			t.Errorf("file name of %q: %q", s, n)
		}
	})
}

func FuzzReadStep(f *testing.F) {
	f.Add(stepEvent)
	f.Add(`{"job":"x","collection":"","event":"{\"event\":\"volatile_safe\"}"}`)
	f.Fuzz(func(t *testing.T, s string) {
		step := readStep(s)
		if step.N < 0 || step.Of < 0 || step.N > 10000 || step.Of > 10000 {
			t.Errorf("%+v", step)
		}
		r := runOf(protocol.DeviceStatus{State: "started", Progress: s, Safe: s}, job.Collect)
		if r.Answer.Class == "yes" {
			t.Error("done, while it runs")
		}
	})
}

// Every word that the protocol has for what became of a job has a text here, whatever
// the job was for.
func TestEveryState(t *testing.T) {
	for _, state := range protocol.States() {
		for _, action := range actions() {
			r := runOf(protocol.DeviceStatus{State: state}, action)
			if r.Answer.Text == "answer.unknown" || r.KnownState() != state {
				t.Errorf("%s of %s: %+v", state, action, r)
			}
		}
	}
}

// The one question: yes only where nothing speaks against it.
func TestAnswers(t *testing.T) {
	event := func(name string) string { return `{"event":"` + name + `","text":"said so"}` }
	for _, c := range []struct{ state, safe, receipt, class, text string }{
		{"sent", "", "", "wait", "sent"}, {"accepted", "", "", "wait", "accepted"}, {"refused", "", "", "none", "refused"},
		{"started", "", "", "no", "started"}, {"started", "volatile_safe", "", "care", "volatile"}, {"started", "unlocked_disk", "", "care", "locks"},
		{"started", "incomplete", "", "care", "incompletesofar"}, {"started", "output_in_memory", "", "no", "memory"}, {"started", "something", "", "no", "started"},
		{"sealed", "", "", "wait", "sealed"}, {"sealed", "output_in_memory", "", "no", "memory"}, {"partial", "volatile_safe", "", "no", "partial"}, {"failed", "volatile_safe", "", "no", "failed"},
		{"delivered", "volatile_safe", "VALID", "yes", "delivered"}, {"delivered", "", "VALID", "care", "untold"}, {"delivered", "volatile_safe", "", "wait", "verifying"},
		{"delivered", "volatile_safe", "INVALID", "care", "verdict"}, {"delivered", "volatile_safe", "valid", "care", "verdict"}, {"delivered", "volatile_safe", "VALID-PARTIAL", "care", "verdict"},
		{"delivered", "unlocked_disk", "VALID", "care", "locks"}, {"delivered", "incomplete", "VALID", "care", "incomplete"}, {"delivered", "output_in_memory", "VALID", "yes", "delivered"},
		{"cancelled", "", "", "none", "cancelled"}, {"isolated", "", "", "care", "isolated"}, {"rejoined", "", "", "none", "rejoined"}, {"", "volatile_safe", "VALID", "none", "unknown"}, {"DELIVERED", "", "VALID", "none", "unknown"},
	} {
		d := protocol.DeviceStatus{State: c.state, Receipt: c.receipt}
		if c.safe != "" {
			d.Safe = event(c.safe)
		}
		if a := answerOf(d, job.Collect); a.Class != c.class || a.Text != "answer."+c.text {
			t.Errorf("%+v: %+v", c, a)
		}
	}
	for _, c := range []struct{ action, state, class, word, text string }{
		{job.Isolate, "done", "care", "class.did", "doneisolate"}, {job.Rejoin, "done", "none", "class.did", "donerejoin"}, {job.Cancel, "done", "none", "class.did", "donecancel"},
		{job.Collect, "done", "none", "class.did", "done"}, {job.Isolate, "failed", "care", "class.care", "notdone"}, {"x", "failed", "no", "class.no", "failed"},
	} {
		r := runOf(protocol.DeviceStatus{State: c.state}, c.action)
		if a := r.Answer; a.Class != c.class || a.Word != c.word || a.Text != "answer."+c.text || r.KnownState() != c.state || r.ended() != (c.state == "done") {
			t.Errorf("%+v: %+v", c, r)
		}
	}
	wrapped, _ := json.Marshal(protocol.Progress{Job: "j", Event: stepEvent})
	if s := readStep(string(wrapped)); s.N != 14 || s.Of != 22 || s.Done() != 13 || s.Collector != "browser" {
		t.Errorf("%+v", s)
	}
}
