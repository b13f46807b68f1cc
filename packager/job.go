package packager

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hozen/packager/signed"
)

// A Job is the signed request that started a collection: the text that was signed (one
// line of JSON) and its armored signatures, the operator's first, then those of the
// approvals in their order. It becomes part of the archive.
type Job struct {
	Payload    string
	Signatures []string
}

// AskedBy is who asked for a collection, as a job in its archive says.
type AskedBy struct {
	Job       string      `json:"job"`    // its id
	SHA256    string      `json:"sha256"` // of the text that was signed
	Operator  string      `json:"operator"`
	Approvals []string    `json:"approvals"`
	Case      string      `json:"case"`
	Authority string      `json:"authority"`
	Reason    string      `json:"reason"`
	Signers   []JobSigner `json:"signers"` // the operator, then the approvals
}

// JobSigner is one who signed a job.
type JobSigner struct {
	Principal   string `json:"principal"` // operator:<name>
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
	Trusted     bool   `json:"trusted"`
}

// MaxJobSignatures is how many may sign a job.
const MaxJobSignatures = 9

const typeJob = "hozen/job/1"

var (
	operatorPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	jobField        = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// Check reads of a job what an archive needs, and verifies its signatures by the keys
// that they carry; whether those are believed is not looked at. What a job may ask for
// is not this package's: an agent that took it has decided that.
func (j *Job) Check() (*AskedBy, error) {
	a, err := readJob([]byte(j.Payload))
	if err != nil {
		return nil, err
	}
	names := append([]string{a.Operator}, a.Approvals...)
	if len(names) > MaxJobSignatures || len(j.Signatures) != len(names) {
		return nil, fmt.Errorf("job %s: %d signatures of %d people; at most %d", a.Job, len(j.Signatures), len(names), MaxJobSignatures)
	}
	for i, name := range names {
		key, err := signed.CheckAny(signed.Job, []byte(j.Payload), []byte(j.Signatures[i]))
		if err != nil {
			return nil, fmt.Errorf("job %s: operator:%s: %w", a.Job, name, err)
		}
		s := JobSigner{Principal: "operator:" + name, Key: signed.PublicText(key), Fingerprint: signed.Fingerprint(key)}
		if slices.ContainsFunc(a.Signers, func(o JobSigner) bool { return o.Principal == s.Principal || sameKey(o.Key, s.Key) }) {
			return nil, fmt.Errorf("job %s: %s signed twice, or with another's key", a.Job, s.Principal)
		}
		a.Signers = append(a.Signers, s)
	}
	return a, nil
}

// readJob reads who asks for what: one line of JSON without spaces, an object whose
// fields are there once each, in small letters.
func readJob(b []byte) (*AskedBy, error) {
	text, ok := bytes.CutSuffix(b, []byte("\n"))
	var plain bytes.Buffer
	if !ok || len(b) > signed.MaxStatement || json.Compact(&plain, text) != nil || !bytes.Equal(plain.Bytes(), text) {
		return nil, errors.New("job: not one line of JSON in its plain form")
	}
	fields, err := objectFields(text)
	if err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	a := &AskedBy{SHA256: signed.HexSum(b), Approvals: []string{}}
	kind := ""
	for name, to := range map[string]any{"type": &kind, "id": &a.Job, "operator": &a.Operator, "approvals": &a.Approvals,
		"case": &a.Case, "authority": &a.Authority, "reason": &a.Reason} {
		if err := json.Unmarshal(fields[name], to); err != nil || string(fields[name]) == "null" {
			return nil, fmt.Errorf("job: field %q: missing, or of another kind", name)
		}
	}
	if kind != typeJob || !ValidID(a.Job) {
		return nil, fmt.Errorf("job: type %q, id %q", kind, a.Job)
	}
	for _, name := range append([]string{a.Operator}, a.Approvals...) {
		if !operatorPattern.MatchString(name) {
			return nil, fmt.Errorf("job %s: operator %q: not a name", a.Job, name)
		}
	}
	return a, nil
}

// objectFields divides a JSON object. encoding/json takes a field twice, and in any case
// of letters: two readers might then read two things.
func objectFields(text []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok || !jobField.MatchString(name) || fields[name] != nil {
			return nil, fmt.Errorf("field %q: twice, or no such name", name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		fields[name] = value
	}
	return fields, nil
}

// jobMember gives the name of a job's member: 0 is the text, n the n-th signature.
func jobMember(n int) string {
	switch n {
	case 0:
		return nameJob
	case 1:
		return nameJob + sigSuffix
	}
	return fmt.Sprintf("%s.%d%s", nameJob, n, sigSuffix)
}

func isJobMember(name string) bool { return strings.HasPrefix(name, nameJob) }

// addJob writes the members of a job. The lock is held.
func (w *Writer) addJob(j *Job) error {
	if j == nil {
		return nil
	}
	for i, body := range append([]string{j.Payload}, j.Signatures...) {
		if _, err := w.addTag(jobMember(i), []byte(body)); err != nil {
			return err
		}
	}
	return nil
}

// jobAllowed says whether a job's member may stand here: all of them directly behind
// the signed genesis statement, in order.
func (c *checker) jobAllowed(name string, size int64) bool {
	n := len(c.job)
	before := nameGenesis + sigSuffix
	if n > 0 {
		before = jobMember(n - 1)
	}
	return c.k == 0 && n <= MaxJobSignatures && name == jobMember(n) && c.last == before && size <= signed.MaxStatement
}

// jobEnded checks the job when its last member was read.
func (c *checker) jobEnded() error {
	if len(c.job) == 0 || c.asked != nil {
		return nil
	}
	j := Job{Payload: c.job[0], Signatures: c.job[1:]}
	a, err := j.Check()
	if err != nil {
		return contradiction("%v", err)
	}
	c.asked = a
	return nil
}

// jobHash is the hash of the job in the archive; "" if there is none.
func (c *checker) jobHash() string {
	if c.asked == nil {
		return ""
	}
	return c.asked.SHA256
}

// jobSigners decides whether those are believed who signed the job.
func (v *verification) jobSigners() {
	j := v.rep.Job
	if j == nil {
		return
	}
	at := v.keyTime()
	for i := range j.Signers {
		s := &j.Signers[i]
		err := v.believes(s.Principal, s.Key, at, signed.Job)
		if s.Trusted = err == nil; err != nil {
			v.unknown = true
			v.rep.finding("job %s: %v (%s)", j.Job, err, s.Fingerprint)
		}
	}
}
