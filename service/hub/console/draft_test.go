package console

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/service/hub/view"
	"hozen/service/job"
)

// upload hands a file in by the form.
func (w *browser) upload(file []byte) (*http.Response, string) {
	w.t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	_ = m.WriteField("csrf", w.token("/relay"))
	f, err := m.CreateFormFile("file", "../../x.job")
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = f.Write(file)
	m.Close()
	return w.do("POST", "/relay", &form, m.FormDataContentType())
}

// drafted drafts a job by the form and fetches its file.
func (w *browser) drafted(form url.Values) []byte {
	w.t.Helper()
	form.Set("csrf", w.token("/draft"))
	resp, body := w.post("/draft", form)
	if resp.StatusCode != http.StatusSeeOther {
		w.t.Fatalf("draft: %d %s", resp.StatusCode, body)
	}
	at := resp.Header.Get("Location")
	if resp, body := w.get(at); resp.StatusCode != http.StatusOK || !strings.Contains(body, "hozen job sign") {
		w.t.Fatalf("%s: %d %s", at, resp.StatusCode, body)
	}
	resp, body = w.get(at + "/file")
	if resp.StatusCode != http.StatusOK || !regexp.MustCompile(`^attachment; filename="job-[0-9a-f-]+\.job"$`).MatchString(resp.Header.Get("Content-Disposition")) {
		w.t.Fatalf("%s: %d %q", at, resp.StatusCode, resp.Header.Get("Content-Disposition"))
	}
	return []byte(body)
}

func collectForm() url.Values {
	return url.Values{"action": {"collect"}, "device": {"pc-keiri-04", "pc-keiri-03"}, "devices": {"pc-9, pc-keiri-04"}, "profile": {"standard"}, "profile_sha256": {strings.Repeat("AB", 32)}, "operator": {"alice"}, "approvals": {"bob"},
		"case": {" 2026-042 "}, "evidence": {"E-1"}, "authority": {"order 17"}, "reason": {"ビーコン"}, "ram": {"on"}, "integrity": {"on"}, "dump": {"4711, 4712"}, "pcap_s": {"60"}, "filter": {"tcp port 443"},
		"time_limit_min": {"30"}, "max_size_mib": {"2048"}, "only": {"processes,sockets"}, "ioc": {"# seen\r\n198.51.100.7\r\n\r\nevil.example\r\n"}, "ioc_memory": {"on"}, "isolate_h": {"8"}, "destination": {"vault"}, "valid_h": {"24"}, "not_before": {""}}
}

func TestDraft(t *testing.T) {
	b := newBench(t, nil)
	w := b.as(view.Operator)
	s, err := job.Parse(w.drafted(collectForm()))
	if err != nil {
		t.Fatal(err)
	}
	j := s.Job
	p := j.Params
	got := fmt.Sprint(j.Action, j.Targets.Devices, j.Profile, j.Operator, j.Approvals, j.Case, j.Evidence, j.Authority, j.Reason, j.Destination, p.RAM, p.Swap, p.Integrity, p.Dump, p.PcapS, p.Filter, p.TimeLimitS, p.MaxSize, p.Only, p.IOC, p.IOCMemory, p.IsolateS, s.Missing())
	want := fmt.Sprint("collect", []string{"pc-9", "pc-keiri-03", "pc-keiri-04"}, job.Profile{Name: "standard", SHA256: strings.Repeat("ab", 32)}, "alice", []string{"bob"}, "2026-042", "E-1", "order 17", "ビーコン", "vault",
		true, false, true, []int{4711, 4712}, 60, "tcp port 443", 1800, 2<<30, []string{"processes", "sockets"}, []string{"198.51.100.7", "evil.example"}, true, 8*3600, []string{"operator:alice", "operator:bob"})
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for action, form := range map[string]url.Values{
		job.Isolate: {"isolate_h": {"8"}}, job.Rejoin: {}, job.Cancel: {"job": {"job-20261122-0"}},
	} {
		form.Set("action", action)
		form.Set("device", "pc-1")
		form.Set("operator", "alice")
		form.Set("valid_h", "1")
		if s, err := job.Parse(w.drafted(form)); err != nil || s.Job.Action != action {
			t.Errorf("%s: %v", action, err)
		}
	}
}

// Recipients stand in lines or behind commas; those of age behind spaces, too.
func TestDraftedRecipients(t *testing.T) {
	const one, two, key = "age1a", "age1b", "ssh-ed25519 AAAA lab room"
	if got := recipients(one + " " + two + "\r\n " + key + "、" + one); !slices.Equal(got, []string{one, two, key, one}) {
		t.Errorf("%q", got)
	}
}

// Nothing but the vocabulary of package job gets through; what was put in stays in the form.
func TestDraftRefused(t *testing.T) {
	b := newBench(t, nil)
	w := b.as(view.Operator)
	token := w.token("/draft")
	for field, value := range map[string]string{
		"action": "shell", "profile": "../x", "profile_sha256": "abc", "devices": "pc/../x", "dump": "-1", "pcap_s": "x", "time_limit_min": "1.5", "max_size_mib": "99999999999999", "operator": "alice; rm", "approvals": "alice",
		"destination": "https://evil.example/", "recipients": "age1short", "not_before": "tomorrow", "valid_h": "169", "isolate_h": "9999", "reason": "a\u202eb", "case": strings.Repeat("x", 200), "filter": strings.Repeat("x", 2000), "only": "rm -rf", "digest": "1",
	} {
		form := collectForm()
		form.Set("csrf", token)
		form.Set(field, value)
		resp, body := w.post("/draft", form)
		if resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) || !strings.Contains(body, "ビーコン") && field != "reason" {
			t.Errorf("%s=%.40s: %d", field, value, resp.StatusCode)
		}
	}
	if n := len(b.console.sessions.all); n != 1 {
		t.Fatal(n)
	}
	for _, s := range b.console.sessions.all {
		if len(s.drafts) != 0 {
			t.Errorf("%d drafts are kept", len(s.drafts))
		}
	}
	other := b.as(view.Admin)
	file := w.drafted(collectForm())
	s, _ := job.Parse(file)
	if resp, _ := other.get("/draft/" + s.Job.ID + "/file"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("somebody else's draft: %d", resp.StatusCode)
	}
}

// The profiles' hashes come from the hub, or from the jobs that were signed before.
func TestProfiles(t *testing.T) {
	sum := strings.Repeat("cd", 32)
	form := collectForm()
	form.Del("profile_sha256")
	known := newBench(t, func(c *Config) {
		c.Profiles = func() []job.Profile { return []job.Profile{{Name: "standard", SHA256: sum}} }
	})
	s, err := job.Parse(known.as(view.Operator).drafted(form))
	if err != nil || s.Job.Profile.SHA256 != sum {
		t.Errorf("%+v, %v", s, err)
	}
	b := newBench(t, nil)
	w := b.as(view.Operator)
	form.Set("csrf", w.token("/draft"))
	if resp, _ := w.post("/draft", form); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("without a hash: %d", resp.StatusCode)
	}
	b.send(newJob(t, func(j *job.Job) { j.Profile.SHA256 = sum }, "pc-1"), "")
	if s, err := job.Parse(w.drafted(form)); err != nil || s.Job.Profile.SHA256 != sum {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRelay(t *testing.T) {
	p, stranger := newPeople(t, "alice", "bob"), newPeople(t, "alice", "bob")
	b := newBench(t, func(c *Config) { c.Trust = func() *packager.Trust { return p.trust } })
	w := b.as(view.Operator)
	file := w.drafted(collectForm())
	whole := p.sign(t, file, "alice", "bob")
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"no signature":      {file, "has not signed yet"},
		"one of two":        {p.sign(t, file, "alice"), "has not signed yet"},
		"not a job":         {[]byte("hello"), "This file is no job"},
		"nothing":           {nil, "This file is no job"},
		"two jobs":          {append(bytes.Clone(whole), whole...), "This file is no job"},
		"another field":     {bytes.Replace(whole, []byte(`{"payload"`), []byte(`{"x":1,"payload"`), 1), "This file is no job"},
		"changed afterward": {bytes.Replace(whole, []byte("2026-042"), []byte("2026-043"), 1), "the signature is wrong"},
	} {
		resp, body := w.upload(c.file)
		if resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	if len(b.hub.sent) != 0 {
		t.Fatalf("sent: %v", b.hub.sent)
	}
	resp, _ := w.upload(whole)
	at := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(at, "/jobs/job-") || fmt.Sprint(b.hub.sent) != "[user:operator]" {
		t.Fatalf("%d to %q, %v", resp.StatusCode, at, b.hub.sent)
	}
	_, body := w.get(at)
	if strings.Count(body, "the key is on the hub&#39;s list of operators") != 2 {
		t.Errorf("signatures: %s", body)
	}
	if _, back := w.get(at + "/file"); back != string(whole) {
		t.Error("the job file is not what was handed in")
	}
	// Unknown keys are relayed and shown as such: endpoints decide by their own lists.
	resp, _ = w.upload(stranger.sign(t, w.drafted(collectForm()), "alice", "bob"))
	if _, body := w.get(resp.Header.Get("Location")); strings.Count(body, "not on the hub&#39;s list for this name") != 2 {
		t.Errorf("strangers: %s", body)
	}
	// One for later is handed in later: sent now it would be refused, and never come again.
	later := newJob(t, func(j *job.Job) { j.NotBefore = job.Time(time.Now().Add(time.Hour)) }, "pc-1")
	if err := later.Sign("alice", p.keys["alice"]); err != nil {
		t.Fatal(err)
	}
	early, err := later.Envelope.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sent := len(b.hub.sent)
	if resp, body := w.upload(early); resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "Hand it in then") || !strings.Contains(body, later.Job.NotBefore) || len(b.hub.sent) != sent {
		t.Errorf("too early: %d %s", resp.StatusCode, body)
	}
	b.hub.sendError = fmt.Errorf("%w: device pc-9 is not enrolled", view.ErrRefused)
	if resp, body := w.upload(whole); resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "pc-9 is not enrolled") {
		t.Errorf("refused by the hub: %d %s", resp.StatusCode, body)
	}
	for _, line := range []string{`"msg":"console: draft"`, `"msg":"console: relay refused"`, `"msg":"console: relay","user":"operator"`} {
		if !strings.Contains(b.log.String(), line) {
			t.Errorf("the log has no %s", line)
		}
	}
}

// Without a list nothing is called good.
func TestUnjudged(t *testing.T) {
	p := newPeople(t, "alice")
	b := newBench(t, nil)
	s := newJob(t, nil, "pc-1")
	if err := s.Sign("alice", p.keys["alice"]); err != nil {
		t.Fatal(err)
	}
	id := b.send(s, "")
	_, body := b.as(view.Viewer).get("/jobs/" + id)
	if !strings.Contains(body, "no list of operators to judge by") || strings.Contains(body, `<li class="yes">`) {
		t.Errorf("%s", body)
	}
}
