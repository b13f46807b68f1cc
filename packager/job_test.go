package packager

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hozen/packager/signed"
)

// jobText is a job as service/job writes it, as far as an archive needs it.
func jobText(operator string, approvals ...string) string {
	list, _ := json.Marshal(append([]string{}, approvals...))
	return `{"type":"hozen/job/1","id":"job-7","nonce":"00112233445566778899aabbccddeeff","action":"collect","case":"2026-017","authority":"contract 9","reason":"ransom note","operator":"` +
		operator + `","approvals":` + string(list) + "}\n"
}

// people are alice, who asks, and bob, who approves.
func people(t testing.TB) (alice, bob Device) { return newDevice(t, "alice"), newDevice(t, "bob") }

func jobOf(t testing.TB, text string, by ...Device) *Job {
	t.Helper()
	j := &Job{Payload: text}
	for _, d := range by {
		j.Signatures = append(j.Signatures, jobSig(t, signed.Job, text, d))
	}
	return j
}

func jobSig(t testing.TB, namespace, text string, d Device) string {
	t.Helper()
	sig, err := signed.Sign(d.Signer, namespace, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(sig)
}

// operatorLine trusts an operator, as an endpoint or an auditor does.
func operatorLine(t testing.TB, d Device) string {
	t.Helper()
	key, err := d.Public()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("operator:%s namespaces=\"%s\" %s\n", d.Name, signed.Job, signed.PublicText(key))
}

// A jobCase is an archive with a job, made by a holder of the device key.
type jobCase struct {
	name string
	want Verdict
	// edit changes the members of the job before they are written, or the trust of the auditor.
	edit func(t *testing.T, c *jobMade)
	// order says that only Verify finds it: audit.sh does not look at the places of members.
	order bool
}

type jobMade struct {
	alice, bob Device
	members    []member
	trust      string
	first      string // payload before the job; "" if none
	later      []member
	o          VerifyOptions
}

func signedAs(text string, by ...Device) func(t *testing.T, c *jobMade) {
	return func(t *testing.T, c *jobMade) {
		people := map[string]Device{"alice": c.alice, "bob": c.bob}
		for i := range by {
			by[i] = people[by[i].Name]
		}
		c.members = jobMembers(jobOf(t, text, by...))
	}
}

func jobMembers(j *Job) (list []member) {
	for i, body := range append([]string{j.Payload}, j.Signatures...) {
		list = append(list, member{jobMember(i), []byte(body)})
	}
	return list
}

func jobCases() []jobCase {
	a, b := Device{Name: "alice"}, Device{Name: "bob"}
	edit := func(old, text string) func(*testing.T, *jobMade) {
		return func(t *testing.T, c *jobMade) {
			c.members[0].body = bytes.Replace(c.members[0].body, []byte(old), []byte(text), 1)
		}
	}
	resigned := func(old, text string) func(*testing.T, *jobMade) {
		return func(t *testing.T, c *jobMade) {
			c.members = jobMembers(jobOf(t, strings.Replace(jobText("alice", "bob"), old, text, 1), c.alice, c.bob))
		}
	}
	return []jobCase{
		{name: "job of trusted people", want: Valid, edit: func(*testing.T, *jobMade) {}},
		{name: "job of one", want: Valid, edit: signedAs(jobText("alice"), a)},
		{name: "job by an unknown operator", want: UntrustedSigner, edit: func(t *testing.T, c *jobMade) { c.trust = operatorLine(t, c.bob) }},
		{name: "job approved by an unknown operator", want: UntrustedSigner, edit: func(t *testing.T, c *jobMade) { c.trust = operatorLine(t, c.alice) }},
		{name: "job signed in the wrong order", want: UntrustedSigner, edit: signedAs(jobText("alice", "bob"), b, a)},
		{name: "operator trusted for something else", want: UntrustedSigner, edit: func(t *testing.T, c *jobMade) {
			c.trust = strings.ReplaceAll(c.trust, signed.Job, signed.Event)
		}},
		{name: "job edited", want: Invalid, edit: edit("2026-017", "2026-018")},
		{name: "job signed for another purpose", want: Invalid, edit: func(t *testing.T, c *jobMade) {
			c.members[1].body = []byte(jobSig(t, signed.Event, string(c.members[0].body), c.alice))
		}},
		{name: "job in re-wrapped armor", want: Invalid, edit: func(t *testing.T, c *jobMade) { c.members[1].body = rewrap(64)(c.members[1].body) }},
		{name: "bytes behind a job's inner signature", want: Invalid, edit: func(t *testing.T, c *jobMade) { c.members[2].body = longer(c.members[2].body) }},
		{name: "job without signatures", want: Invalid, edit: func(_ *testing.T, c *jobMade) { c.members = c.members[:1] }},
		{name: "job with one signature of two", want: Invalid, edit: func(_ *testing.T, c *jobMade) { c.members = c.members[:2] }},
		{name: "job with a signature too many", want: Invalid, edit: func(t *testing.T, c *jobMade) {
			c.members = append(c.members, member{jobMember(3), []byte(jobSig(t, signed.Job, string(c.members[0].body), newDevice(t, "carol")))})
		}},
		{name: "job of one key in two names", want: Invalid, edit: signedAs(jobText("alice", "bob"), a, a)},
		{name: "job of one name with two keys", want: Invalid, edit: signedAs(jobText("alice", "alice"), a, b)},
		{name: "job of another version", want: Invalid, edit: resigned("hozen/job/1", "hozen/job/2"), order: true},
		{name: "job with a field twice", want: Invalid, edit: resigned(`,"reason"`, `,"operator":"carol","reason"`), order: true},
		{name: "job with a field in capitals", want: Invalid, edit: resigned(`,"reason"`, `,"Operator":"carol","reason"`), order: true},
		{name: "job with spaces", want: Invalid, edit: resigned(`,"reason":`, `, "reason":`), order: true},
		{name: "job of two lines", want: Invalid, edit: resigned("}\n", "}\n{}\n"), order: true},
		{name: "job without its reason", want: Invalid, edit: resigned(`"reason":"ransom note",`, ""), order: true},
		{name: "job that is a list", want: Invalid, edit: func(t *testing.T, c *jobMade) { c.members = jobMembers(jobOf(t, "[]\n", c.alice)) }, order: true},
		{name: "job of somebody whose name is no name", want: Invalid, edit: resigned(`"alice"`, `"ali\nce"`), order: true},
		{name: "job over the limit", want: Invalid, edit: resigned("ransom note", strings.Repeat("x", signed.MaxStatement)), order: true},
		{name: "job of ten people", want: Invalid, order: true, edit: func(t *testing.T, c *jobMade) {
			names, by := []string{}, []Device{c.alice}
			for i := range 9 {
				d := newDevice(t, fmt.Sprint("p", i))
				names, by = append(names, d.Name), append(by, d)
			}
			c.members = jobMembers(jobOf(t, jobText("alice", names...), by...))
		}},
		{name: "job behind payload", want: Invalid, order: true, edit: func(_ *testing.T, c *jobMade) { c.first = "data/first.txt" }},
		{name: "job in the second segment", want: Invalid, order: true, edit: func(_ *testing.T, c *jobMade) { c.members, c.later = nil, c.members }},
		{name: "job signatures out of place", want: Invalid, order: true, edit: func(_ *testing.T, c *jobMade) {
			c.members[1], c.members[2] = c.members[2], c.members[1]
		}},
		{name: "job signature without a job", want: Invalid, order: true, edit: func(_ *testing.T, c *jobMade) { c.members = c.members[1:] }},
	}
}

// make gives the archive of a case and what the auditor brings.
func (jc jobCase) make(t *testing.T, d Device) ([]byte, jobMade) {
	t.Helper()
	alice, bob := people(t)
	c := jobMade{alice: alice, bob: bob, members: jobMembers(jobOf(t, jobText("alice", "bob"), alice, bob)),
		trust: operatorLine(t, alice) + operatorLine(t, bob)}
	jc.edit(t, &c)
	line, err := d.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	c.trust += line
	f := newForge(t, d)
	if c.first != "" {
		f.member(c.first, "evidence\n")
	}
	for _, m := range c.members {
		f.member(m.name, string(m.body))
	}
	f.member("data/a.txt", "evidence\n")
	f.checkpoint("open", lie{})
	for _, m := range c.later {
		f.member(m.name, string(m.body))
	}
	f.member("data/b.txt", "more\n")
	trust, err := ParseTrust(strings.NewReader(c.trust))
	if err != nil {
		t.Fatal(err)
	}
	c.o = VerifyOptions{Trust: trust}
	return f.finish(), c
}

func TestJobInTheArchive(t *testing.T) {
	d := newDevice(t, "pc-42")
	for _, jc := range jobCases() {
		t.Run(strings.ReplaceAll(jc.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			b, c := jc.make(t, d)
			r := verdict(t, b, c.o)
			if r.Verdict != jc.want || len(r.Findings) == 0 && jc.want != Valid {
				t.Errorf("%s, want %s: %q", r.Verdict, jc.want, r.Findings)
			}
			if (r.Job != nil) != (jc.want != Invalid) {
				t.Errorf("%s says asked for by %+v", r.Verdict, r.Job)
			}
		})
	}
}

// Both verifiers say the same of jobs.
func TestAuditScriptReadsTheJob(t *testing.T) {
	needAuditTools(t)
	d := newDevice(t, "pc-42")
	for _, jc := range jobCases() {
		if jc.order {
			continue
		}
		t.Run(strings.ReplaceAll(jc.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			b, c := jc.make(t, d)
			dir := t.TempDir()
			trust := filepath.Join(dir, "trust")
			if err := os.WriteFile(trust, []byte(c.trust), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := audit(t, dir, b, trust); got != string(jc.want) {
				t.Errorf("audit.sh says %s, want %s", got, jc.want)
			}
		})
	}
}

// writeAsked makes a sealed archive that a job started, and gives its options.
func writeAsked(t *testing.T, dir string, j *Job) (file string, o Options) {
	t.Helper()
	o = testOptions(t, dir)
	o.Job = j
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "plan.json", "{}\n")
	if _, err := w.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, s.Name), o
}

func TestWriterKeepsTheJob(t *testing.T) {
	alice, bob := people(t)
	j := jobOf(t, jobText("alice", "bob"), alice, bob)
	dir := t.TempDir()
	file, o := writeAsked(t, dir, j)
	b, log := readFile(t, file), readFile(t, filepath.Join(dir, LogName(o.ID)))
	line, err := o.Device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := ParseTrust(strings.NewReader(line + operatorLine(t, alice) + operatorLine(t, bob)))
	if err != nil {
		t.Fatal(err)
	}
	r := verdict(t, b, VerifyOptions{Trust: trust, Log: log})
	if r.Verdict != Valid || r.Job == nil || r.Job.Job != "job-7" || r.Job.Operator != "alice" || r.Job.Reason != "ransom note" ||
		len(r.Job.Signers) != 2 || r.Job.Signers[1].Principal != "operator:bob" || !r.Job.Signers[1].Trusted {
		t.Fatalf("%s %q %+v", r.Verdict, r.Findings, r.Job)
	}
	if r.Events[0].Fact("job") != r.Job.SHA256 || r.Job.SHA256 != signed.HexSum([]byte(j.Payload)) {
		t.Errorf("the log has job %q", r.Events[0].Fact("job"))
	}
	var prints []string
	for _, d := range []Device{o.Device, alice, bob} {
		f, err := d.Fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, f)
	}
	if r := verdict(t, b, VerifyOptions{Fingerprints: prints}); r.Verdict != Valid {
		t.Errorf("by fingerprints on paper: %s %q", r.Verdict, r.Findings)
	}
	if r := verdict(t, b, VerifyOptions{Fingerprints: prints[:1]}); r.Verdict != UntrustedSigner || r.Job.Signers[0].Trusted {
		t.Errorf("without the operators' fingerprints: %s", r.Verdict)
	}
	for name, change := range map[string]func(*Event){
		"without the job": func(e *Event) { e.Detail = e.Detail[:2] },
		"of another job":  func(e *Event) { e.Detail[2].Value = strings.Repeat("0", 64) },
	} {
		lied := signedLog(t, &world{log: log}, o.Device, func(e []Event) []Event { change(&e[0]); return e[:1] })
		if r := verdict(t, b, VerifyOptions{Trust: trust, Log: lied}); r.Verdict != Invalid {
			t.Errorf("log %s: %s", name, r.Verdict)
		}
	}
}

// A log must not tell of a job that the archive does not have.
func TestLogOfAJobThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	w.o.Log = signedLog(t, w, w.device, func(e []Event) []Event {
		e[0].Detail = append(e[0].Detail, EventDetail{"job", strings.Repeat("0", 64)})
		return e[:1]
	})
	if r := verdict(t, w.archive, w.o); r.Verdict != Invalid {
		t.Errorf("%s", r.Verdict)
	}
}

// What is no job, or is signed by nobody, begins no archive.
func TestWriterRefusesAFalseJob(t *testing.T) {
	alice, bob := people(t)
	for name, j := range map[string]*Job{
		"empty":              {},
		"unsigned":           {Payload: jobText("alice")},
		"one of two":         jobOf(t, jobText("alice", "bob"), alice),
		"signed for another": {Payload: jobText("alice"), Signatures: jobOf(t, jobText("bob"), alice).Signatures},
		"one key":            jobOf(t, jobText("alice", "bob"), bob, bob),
	} {
		dir := t.TempDir()
		o := testOptions(t, dir)
		o.Job = j
		if w, err := Create(o); err == nil {
			w.Abort()
			t.Errorf("%s: taken", name)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

// ssh-keygen alone says who asked.
func TestSSHKeygenReadsTheJob(t *testing.T) {
	for _, tool := range []string{"ssh-keygen", "zstd", "tar"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	alice, bob := people(t)
	dir := t.TempDir()
	file, o := writeAsked(t, dir, jobOf(t, jobText("alice", "bob"), alice, bob))
	trust := filepath.Join(dir, "trust")
	if err := os.WriteFile(trust, []byte(operatorLine(t, alice)+operatorLine(t, bob)), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(principal, sig string) error {
		return exec.Command("sh", "-ec", `cd "$1"; zstd -dcq "$2" | tar -xkf - 2>/dev/null || :
			ssh-keygen -Y verify -f trust -I "$3" -n hozen-job-v1 -s "$5/custody/$4" <"$5/custody/job.json"`, "sh", dir, file, principal, sig, o.ID).Run()
	}
	for _, c := range []struct {
		principal, sig string
		good           bool
	}{{"operator:alice", "job.json.sig", true}, {"operator:bob", "job.json.2.sig", true}, {"operator:bob", "job.json.sig", false}, {"operator:alice", "job.json.2.sig", false}} {
		if err := check(c.principal, c.sig); (err == nil) != c.good {
			t.Errorf("%s by %s: %v", c.sig, c.principal, err)
		}
	}
}

// Whatever a job is, reading it neither panics nor takes what it must not.
func FuzzJob(f *testing.F) {
	f.Add(jobText("alice", "bob"))
	f.Add("{}\n")
	f.Add(`{"type":"hozen/job/1"}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := readJob([]byte(text))
		if err != nil {
			return
		}
		if strings.Count(text, "\n") != 1 || !operatorPattern.MatchString(a.Operator) || slices.Contains(a.Approvals, "") {
			t.Errorf("%q was taken: %+v", text, a)
		}
	})
}

// What a crash leaves of a collection that a job started still says who asked.
func TestRecoverWithAJob(t *testing.T) {
	alice, bob := people(t)
	dir := t.TempDir()
	o := testOptions(t, dir)
	o.Job = jobOf(t, jobText("alice", "bob"), alice, bob)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "plan.json", "{}\n")
	if _, err := w.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := AppendEvent(dir, o.ID, o.Device, Event{Event: "isolated"}, testTime); err != nil {
		t.Fatal(err)
	}
	r, err := recovery(dir, o.Device)
	if err != nil || r.Report.Verdict != UntrustedSigner || r.Report.Job == nil || r.Report.Job.Operator != "alice" {
		t.Fatalf("%+v %v", r.Report, err)
	}
	if err := AppendEvent(dir, o.ID, o.Device, Event{Event: "rejoined"}, testTime); err != nil {
		t.Fatal(err)
	}
	line, err := o.Device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := ParseTrust(strings.NewReader(line + operatorLine(t, alice) + operatorLine(t, bob)))
	if err != nil {
		t.Fatal(err)
	}
	rep := verdict(t, readFile(t, filepath.Join(dir, r.Name)), VerifyOptions{Trust: trust, Log: readFile(t, filepath.Join(dir, r.Log))})
	if rep.Verdict != ValidPartial || !rep.Job.Signers[0].Trusted {
		t.Errorf("%s %q", rep.Verdict, rep.Findings)
	}
}
