package console

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hozen/collector"
	"hozen/service/hub/view"
	"hozen/service/job"
	"hozen/service/protocol"
)

// draftData is the form of a draft: what is there to choose from, and what was chosen.
type draftData struct {
	Action    string
	Actions   []string
	Endpoints []protocol.Endpoint
	Profiles  []job.Profile
	Form      url.Values
	Problem   string // why it was no job
	Field     string // which field, as in JSON
}

// V gives what was put into a field.
func (d draftData) V(name string) string { return d.Form.Get(name) }

// Devices are the devices that were ticked.
func (d draftData) Devices() []string { return d.Form["device"] }

// Has says whether a value of a field was chosen.
func (d draftData) Has(name, value string) bool { return slices.Contains(d.Form[name], value) }

// ProfileNames are the profiles to choose from.
func (d draftData) ProfileNames() (names []string) {
	for _, p := range collector.Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// Hours are how long a job may be valid.
func (draftData) Hours() []string { return []string{"1", "4", "24", "72", "168"} }

func actions() []string { return []string{job.Collect, job.Isolate, job.Rejoin, job.Cancel} }

func (c *console) draftForm(q *request) error {
	form := q.r.URL.Query()
	for name, value := range map[string]string{"operator": q.user.Name, "valid_h": "24", "profile": "standard", "isolate_h": ""} {
		if form.Get(name) == "" {
			form.Set(name, value)
		}
	}
	return c.showDraft(q, http.StatusOK, draftData{Form: form})
}

func (c *console) showDraft(q *request, status int, d draftData) error {
	var err error
	if d.Action = d.Form.Get("action"); !slices.Contains(actions(), d.Action) {
		d.Action = job.Collect
	}
	d.Actions = actions()
	if d.Endpoints, err = c.Hub.List(q.ctx()); err != nil {
		return err
	}
	if d.Profiles, err = c.profiles(q); err != nil {
		return err
	}
	c.render(q, status, "draft", d)
	return nil
}

// draft makes a job of the form, without a signature, and keeps it in the session until
// it is fetched. Package job says what a job may be; nothing here can widen that.
func (c *console) draft(q *request) error {
	if err := q.r.ParseForm(); err != nil {
		return err
	}
	known, err := c.profiles(q)
	if err != nil {
		return err
	}
	s, err := c.jobOf(q.r.PostForm, known)
	if err != nil {
		d := draftData{Form: q.r.PostForm, Problem: err.Error()}
		var wrong *job.Error
		if errors.As(err, &wrong) {
			d.Field = wrong.Field
		}
		c.note(q, "console: draft refused", "error", d.Problem)
		return c.showDraft(q, http.StatusUnprocessableEntity, d)
	}
	file, err := s.Envelope.Encode()
	if err != nil {
		return err
	}
	c.sessions.keep(q.session, draft{s.Job.ID, file})
	c.note(q, "console: draft", "job", s.Job.ID, "action", s.Job.Action, "sha256", s.Sum())
	http.Redirect(q.w, q.r, "/draft/"+s.Job.ID, http.StatusSeeOther)
	return nil
}

// profiles are those that a draft may name without its hash: the hub's, or else, of each
// name, that of the newest job. A hash that is not what an endpoint means by the name is
// refused there.
func (c *console) profiles(q *request) (known []job.Profile, err error) {
	if c.Profiles != nil {
		known = c.Profiles()
	}
	if len(known) > 0 {
		return known, nil
	}
	recent, err := c.Hub.Recent(q.ctx(), mostJobs)
	for _, r := range recent {
		s, err := job.Parse([]byte(r.Envelope))
		if err == nil && s.Job.Profile.Name != "" && !slices.ContainsFunc(known, func(p job.Profile) bool { return p.Name == s.Job.Profile.Name }) {
			known = append(known, s.Job.Profile)
		}
	}
	return known, err
}

// jobOf reads the form. A number that is none is refused, never taken as "not given".
func (c *console) jobOf(f url.Values, known []job.Profile) (*job.Signed, error) {
	now := c.Now().UTC().Truncate(time.Second)
	n := numbers{form: f}
	j := job.Job{
		Type: job.Type, Issued: job.Time(now), Action: f.Get("action"),
		Targets: job.Targets{Devices: append(slices.Clone(f["device"]), words(f.Get("devices"))...), Group: word(f, "group"), Digest: word(f, "digest")},
		Case:    word(f, "case"), Evidence: word(f, "evidence"), Authority: word(f, "authority"), Reason: word(f, "reason"),
		Operator: word(f, "operator"), Approvals: words(f.Get("approvals")),
	}
	j.Targets.Devices = slices.Compact(slices.Sorted(slices.Values(j.Targets.Devices)))
	from := now
	if v := word(f, "not_before"); v != "" {
		t, err := time.Parse("2006-01-02T15:04", v)
		if err != nil {
			return nil, &job.Error{Reason: job.Field, Field: "not_before", Text: fmt.Sprintf("%.40q: want YYYY-MM-DDThh:mm, in UTC", v)}
		}
		from = t.UTC()
	}
	j.NotBefore, j.Expires = job.Time(from), job.Time(from.Add(time.Duration(n.of("valid_h", 1))*time.Hour))
	switch j.Action {
	case job.Collect:
		collectionOf(f, known, &n, &j)
		j.Params.IsolateS = n.of("isolate_h", 3600)
	case job.Isolate:
		j.Params.IsolateS = n.of("isolate_h", 3600)
	case job.Cancel:
		j.Params.Job = word(f, "job")
	}
	if n.err != nil {
		return nil, n.err
	}
	var err error
	if j.ID, err = job.NewID(now, nil); err != nil {
		return nil, err
	}
	if j.Nonce, err = job.NewNonce(nil); err != nil {
		return nil, err
	}
	return job.New(j)
}

func collectionOf(f url.Values, known []job.Profile, n *numbers, j *job.Job) {
	j.Profile = job.Profile{Name: word(f, "profile"), SHA256: strings.ToLower(word(f, "profile_sha256"))}
	for _, p := range known {
		if p.Name == j.Profile.Name && j.Profile.SHA256 == "" {
			j.Profile = p
		}
	}
	j.Recipients, j.Destination = recipients(f.Get("recipients")), word(f, "destination")
	p := &j.Params
	p.Only, p.Skip = words(f.Get("only")), words(f.Get("skip"))
	p.TimeLimitS, p.PcapS, p.MaxSize = n.of("time_limit_min", 60), n.of("pcap_s", 1), n.of("max_size_mib", 1<<20)
	p.RAM, p.Swap, p.IOCMemory, p.Integrity = f.Get("ram") != "", f.Get("swap") != "", f.Get("ioc_memory") != "", f.Get("integrity") != ""
	p.Filter = word(f, "filter")
	for _, w := range words(f.Get("dump")) {
		p.Dump = append(p.Dump, int(n.parse("dump", w, 1)))
	}
	for line := range strings.Lines(f.Get("ioc")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			p.IOC = append(p.IOC, line)
		}
	}
}

// numbers reads numbers of a form and keeps the first mistake.
type numbers struct {
	form url.Values
	err  error
}

func (n *numbers) of(field string, unit int64) int64 {
	v := word(n.form, field)
	if v == "" {
		return 0
	}
	return n.parse(field, v, unit)
}

func (n *numbers) parse(field, v string, unit int64) int64 {
	i, err := strconv.ParseInt(v, 10, 32)
	if (err != nil || i < 0) && n.err == nil {
		n.err = &job.Error{Reason: job.Field, Field: field, Text: fmt.Sprintf("%.40q: want a whole number", v)}
	}
	return i * unit
}

func word(f url.Values, name string) string { return strings.TrimSpace(f.Get(name)) }

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '、' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
}

// recipients divides a list in which the text of an SSH key has spaces of its own.
func recipients(s string) (list []string) {
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '、' || r == '\r' || r == '\n' }) {
		if part = strings.TrimSpace(part); strings.HasPrefix(part, "ssh-") {
			list = append(list, part)
			continue
		}
		list = append(list, strings.Fields(part)...)
	}
	return list
}

// draftedData is a draft on its way to be signed.
type draftedData struct {
	ID, File, Sum string
	Job           job.Job
	Powers        []power
	People        int // who sign
	Needed        int // who must, unless endpoints say otherwise
}

// Signers are the names of who is to sign, in their order.
func (d draftedData) Signers() []string { return append([]string{d.Job.Operator}, d.Job.Approvals...) }

func (c *console) drafted(q *request) error {
	d, ok := c.sessions.drafted(q.session, q.r.PathValue("id"))
	if !ok {
		return view.ErrNotFound
	}
	s, err := job.Parse(d.file)
	if err != nil {
		return err
	}
	data := draftedData{ID: d.id, File: s.Envelope.Payload, Sum: s.Sum(), Job: s.Job, Powers: powersOf(s.Job), People: len(s.Job.Signers())}
	for _, p := range data.Powers {
		data.Needed = max(data.Needed, p.People)
	}
	c.render(q, http.StatusOK, "drafted", data)
	return nil
}

func (c *console) draftFile(q *request) error {
	d, ok := c.sessions.drafted(q.session, q.r.PathValue("id"))
	if !ok {
		return view.ErrNotFound
	}
	attach(q.w, d.id+".job", "application/json")
	_, _ = q.w.Write(d.file)
	return nil
}

// relayData is the page that takes a signed file back.
type relayData struct {
	Problem    string // key of a text
	Why        string
	Signatures []signature
}

func (c *console) relayPage(q *request) error {
	c.render(q, http.StatusOK, "relay", relayData{})
	return nil
}

// relay takes a job file with its signatures and hands it to the hub. It refuses what
// endpoints would refuse anyhow: what is no job, has a signature that is wrong, or lacks
// one. A key that is not on the hub's list is no reason: endpoints have their own.
func (c *console) relay(q *request) error {
	refuse := func(d relayData) error {
		c.note(q, "console: relay refused", "why", d.Problem, "error", d.Why)
		c.render(q, http.StatusUnprocessableEntity, "relay", d)
		return nil
	}
	f, _, err := q.r.FormFile("file")
	if err != nil {
		return refuse(relayData{Problem: "relay.nofile"})
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, job.MaxEnvelope+1))
	if err != nil {
		return err
	}
	s, err := job.Parse(b)
	if err != nil {
		return refuse(relayData{Problem: "relay.nojob", Why: err.Error()})
	}
	sigs := c.signatures(s)
	if slices.ContainsFunc(sigs, func(g signature) bool { return g.Text == "sig.bad" || g.Text == "sig.missing" }) {
		return refuse(relayData{Problem: "relay.unsigned", Signatures: sigs})
	}
	if s.Early(c.Now()) { // endpoints would refuse it, and it is passed on once only
		return refuse(relayData{Problem: "relay.early", Why: s.Job.NotBefore, Signatures: sigs})
	}
	answer, err := c.Hub.SendJob(q.ctx(), b, "user:"+q.user.Name)
	switch {
	case errors.Is(err, view.ErrRefused) || errors.Is(err, view.ErrNotFound):
		return refuse(relayData{Problem: "relay.hub", Why: err.Error(), Signatures: sigs})
	case err != nil:
		return err
	case answer.Error != "":
		return refuse(relayData{Problem: "relay.hub", Why: answer.Error, Signatures: sigs})
	}
	c.note(q, "console: relay", "job", s.Job.ID, "action", s.Job.Action, "sha256", s.Sum(), "to", len(answer.To))
	http.Redirect(q.w, q.r, "/jobs/"+url.PathEscape(s.Job.ID), http.StatusSeeOther)
	return nil
}
