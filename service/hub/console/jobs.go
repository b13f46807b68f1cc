package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
	"hozen/service/hub/view"
	"hozen/service/job"
)

// A signature is one place for a signature on a job, as it is shown.
type signature struct {
	Who   string // the principal that is to sign here
	Key   string // SHA256:… of the key that did
	Class string // yes: good and by a listed key; no: wrong; care: good by itself, key not listed; wait: not judged, or not there
	Text  string // key of its text
	Why   string // in English, of what is wrong
}

// jobData is one job.
type jobData struct {
	jobRuns
	Parsed     *job.Job // nil: it is none
	Wrong      string   // why
	Sum        string
	Signatures []signature
	Powers     []power
	Archives   []view.Archive
	Live       bool
	Pager      pager
}

// A power that a job makes use of, and how many people it takes unless an endpoint's
// configuration says otherwise.
type power struct {
	Name   job.Power
	People int
}

func (c *console) job(q *request) error {
	detail, err := c.Hub.Job(q.ctx(), q.r.PathValue("id"))
	if err != nil {
		return err
	}
	d := jobData{jobRuns: runsOf(detail), Archives: detail.Archives}
	d.Live = slices.ContainsFunc(d.Runs, func(r run) bool { return !r.ended() })
	d.Runs, d.Pager = cut(q, d.Runs)
	if s, err := job.Parse([]byte(d.Envelope)); err != nil {
		d.Wrong = err.Error()
	} else {
		d.Parsed, d.Sum, d.Signatures, d.Powers = &s.Job, s.Sum(), c.signatures(s), powersOf(s.Job)
	}
	c.render(q, http.StatusOK, "job", d)
	return nil
}

func powersOf(j job.Job) (out []power) {
	for _, p := range job.Powers(j) {
		out = append(out, power{p, job.DefaultSigners(p)})
	}
	return out
}

// signatures judges every signature of a job: by itself, and by the public list of
// operators if there is one.
func (c *console) signatures(s *job.Signed) (out []signature) {
	for i, who := range s.Job.Signers() {
		out = append(out, c.signature(s, i, who))
	}
	return out
}

func (c *console) signature(s *job.Signed, i int, who string) signature {
	g := signature{Who: who, Class: "wait", Text: "sig.missing"}
	if s.Envelope.Signatures[i] == "" {
		return g
	}
	key, err := s.SignedBy(i)
	if key != nil {
		g.Key = ssh.FingerprintSHA256(key)
	}
	if err != nil {
		g.Class, g.Text, g.Why = "no", "sig.bad", err.Error()
		return g
	}
	if c.Trust == nil || c.Trust() == nil {
		g.Text = "sig.unjudged"
		return g
	}
	at, err := job.ParseTime(s.Job.Issued)
	if err != nil {
		at = time.Time{}
	}
	if err := c.Trust().Check(who, signed.PublicText(key), signed.Job, at); err != nil {
		g.Class, g.Text, g.Why = "care", "sig.unlisted", err.Error()
		return g
	}
	g.Class, g.Text = "yes", "sig.good"
	return g
}

// jobFile gives the envelope as a file, for whoever checks it with his own program.
func (c *console) jobFile(q *request) error {
	detail, err := c.Hub.Job(q.ctx(), q.r.PathValue("id"))
	if err != nil {
		return err
	}
	line := strings.TrimSuffix(detail.Envelope, "\n") + "\n"
	attach(q.w, fileName(detail.ID)+".job", "application/json")
	_, _ = q.w.Write([]byte(line))
	return nil
}

// jobLines gives what devices said about a job, as they signed it.
func (c *console) jobLines(q *request) error {
	detail, err := c.Hub.Job(q.ctx(), q.r.PathValue("id"))
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, d := range detail.Devices {
		for _, l := range d.Lines {
			b.WriteString(strings.TrimSuffix(l, "\n") + "\n")
		}
	}
	c.note(q, "console: audit lines downloaded", "job", detail.ID)
	attach(q.w, fileName(detail.ID)+".audit.jsonl", "application/jsonl")
	_, _ = q.w.Write([]byte(b.String()))
	return nil
}

// refusalLines gives what endpoints refused, as they signed it.
func (c *console) refusalLines(q *request) error {
	lines, err := c.Hub.Refusals(q.ctx(), 0)
	if err != nil {
		return err
	}
	c.note(q, "console: audit lines downloaded", "lines", len(lines))
	attach(q.w, "refusals.audit.jsonl", "application/jsonl")
	for _, l := range lines {
		_, _ = fmt.Fprintln(q.w, strings.TrimSuffix(l.Text, "\n"))
	}
	return nil
}

// attach has a browser save what follows under a name that is harmless (RFC 6266), and
// never show it as a page.
func attach(w http.ResponseWriter, name, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+fileName(name)+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
}
