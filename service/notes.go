package service

import (
	"hozen/packager/signed"
	"hozen/service/audit"
	"hozen/service/job"
	"hozen/service/protocol"
)

// A fact is what the audit log is told; what is empty is left out, or taken from the job.
type fact struct {
	event      string
	signed     *job.Signed
	envelope   []byte // as it came, of a refusal
	job        string
	collection string
	reason     string // a word
	text       string
	details    []audit.Detail
}

// details makes a list of names and values.
func details(pairs ...string) (out []audit.Detail) {
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, audit.Detail{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// note writes a line of the audit log, which then goes to the hub.
func (a *Agent) note(f fact) error {
	e := audit.Entry{Event: f.event, Job: f.job, Collection: f.collection, Reason: f.reason, Text: f.text, Detail: f.details}
	if f.signed != nil {
		e.Job, e.Operator = f.signed.Job.ID, f.signed.Job.Operator
	}
	if f.envelope != nil {
		e.Digest = signed.HexSum(f.envelope)
	}
	if _, err := a.Audit.Append(e, a.Now()); err != nil {
		return err
	}
	a.Log.Info(f.event, "job", e.Job, "collection", e.Collection, "reason", e.Reason, "text", e.Text)
	wake(a.audited)
	return nil
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// tell passes a line of a collection's progress on.
func (a *Agent) tell(id string, line []byte) {
	if a.Hub != nil {
		a.Hub.Progress(protocol.Progress{Job: id, Collection: a.collection(), Event: string(line)})
	}
}
