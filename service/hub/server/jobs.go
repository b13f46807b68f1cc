package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hiddeco/sshsig"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
	"hozen/service/hub/broker"
	"hozen/service/hub/view"
	"hozen/service/job"
	"hozen/service/protocol"
)

// sentJob is a job as HOZEN_SENT keeps it: one for each id, and never another.
type sentJob struct {
	Envelope string   `json:"envelope"`
	By       string   `json:"by"`
	Sent     string   `json:"sent"`
	To       []string `json:"to"` // ids of endpoints
	Devices  []string `json:"devices"`
}

// parse checks the form of an envelope, and nothing of its right: the endpoints do that.
func parse(b []byte) (*job.Signed, error) {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(bytes.Clone(b), '\n')
	}
	s, err := job.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", view.ErrRefused, err)
	}
	return s, nil
}

// SendJob implements view.Jobs.
func (h *Hub) SendJob(ctx context.Context, envelope []byte, by string) (protocol.SendAnswer, error) {
	a := protocol.SendAnswer{To: []string{}}
	parsed, err := parse(envelope)
	if err != nil {
		return a, err
	}
	j := parsed.Job
	a.Job = j.ID
	line, err := parsed.Envelope.Encode()
	if err != nil {
		return a, err
	}
	if err := checkSignatures(parsed); err != nil {
		return a, err
	}
	ids, devices, err := h.targets(j)
	if err != nil {
		return a, err
	}
	if err := h.keepsRoom(int64(len(line)) * int64(len(ids)+1)); err != nil {
		return a, fmt.Errorf("%w: %w", view.ErrRefused, err)
	}
	if !h.senders.allow(by, h.o.Now()) {
		return a, fmt.Errorf("%w: %s has sent too many jobs in a short time: wait", view.ErrRefused, by)
	}
	s := sentJob{Envelope: string(line), By: by, Sent: h.now(), To: ids, Devices: devices}
	if s, err = h.keepSent(ctx, j.ID, s); err != nil {
		return a, err
	}
	if err := h.fanOut(ctx, j.ID, s); err != nil {
		return a, err
	}
	h.counters.jobs.Add(1)
	h.o.Log.Info("job sent", "job", j.ID, "action", j.Action, "by", by, "endpoints", len(s.To))
	h.watchers.tell(view.Event{Kind: "job", Job: j.ID, Text: j.Action})
	a.To = s.Devices
	return a, nil
}

// checkSignatures wants every signature that the job asks for, and good. Whose keys they
// are the endpoints decide, by their own trust files.
func checkSignatures(s *job.Signed) error {
	if missing := s.Missing(); len(missing) > 0 {
		return fmt.Errorf("%w: the signature of %s is missing", view.ErrRefused, missing[0])
	}
	for i, who := range s.Job.Signers() {
		if _, err := s.SignedBy(i); err != nil {
			return fmt.Errorf("%w: signature of %s: %w", view.ErrRefused, who, err)
		}
	}
	return nil
}

// keepsRoom says why size bytes of jobs or audit lines have no room. They may use half of
// the reserve, so that archives that fill the disk do not keep operators from acting.
func (h *Hub) keepsRoom(size int64) error {
	if h.o.free == nil {
		return nil
	}
	if h.broker.Broken() {
		return errNoRoom
	}
	if free, err := h.o.free(); err == nil && free < h.o.Reserve/2+size {
		return errNoRoom
	}
	return nil
}

var errNoRoom = errors.New("the hub has no room: its disk is full")

// targets are the endpoints that a job goes to: the named devices, or all for a group,
// because who is in a group only the endpoints know.
func (h *Hub) targets(j job.Job) (ids, devices []string, err error) {
	all := h.registry.Devices()
	devices = slices.Clone(j.Targets.Devices)
	if j.Targets.Group != "" {
		for d := range all {
			devices = append(devices, d)
		}
	}
	slices.Sort(devices)
	devices = slices.Compact(devices)
	for _, d := range devices {
		id, ok := all[d]
		if !ok {
			return nil, nil, fmt.Errorf("%w: device %.80q is not enrolled", view.ErrRefused, d)
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("%w: no targets", view.ErrRefused)
	}
	return ids, devices, nil
}

// keepSent writes the job, durably, before anybody gets it. The same job again is
// completed, another of its id refused.
func (h *Hub) keepSent(ctx context.Context, id string, s sentJob) (sentJob, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	_, err = h.broker.JS.Publish(ctx, keptSent+id, b)
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return s, err
	}
	old, getErr := h.sentJob(ctx, id)
	switch {
	case getErr != nil:
		return s, fmt.Errorf("job %s: %w", id, err)
	case old.Envelope != s.Envelope:
		return s, fmt.Errorf("%w: another job with the id %s was sent before", view.ErrRefused, id)
	}
	return old, nil
}

// sentJob reads a job.
func (h *Hub) sentJob(ctx context.Context, id string) (s sentJob, err error) {
	if !jobID.MatchString(id) {
		return s, fmt.Errorf("job %.80q: %w", id, view.ErrNotFound)
	}
	var m *jetstream.RawStreamMsg
	err = broker.Again(ctx, func(ctx context.Context, _ int) (err error) {
		m, err = h.streams.sent.GetLastMsgForSubject(ctx, keptSent+id)
		return err
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return s, fmt.Errorf("job %s: %w", id, view.ErrNotFound)
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(m.Data, &s)
}

// fanOut puts the envelope into the queue of each endpoint, and tells it when it is
// there: one that asked before, while the disk was still at it, would find nothing and
// ask again in minutes only. What was put there a short while ago is not put again; an
// endpoint that gets one twice refuses the second.
func (h *Hub) fanOut(ctx context.Context, id string, s sentJob) error {
	futures := make([]jetstream.PubAckFuture, 0, len(s.To))
	for _, to := range s.To {
		m := nats.NewMsg(keptJob + to)
		m.Data = []byte(s.Envelope)
		f, err := h.broker.JS.PublishMsgAsync(m, jetstream.WithMsgID(id+"."+to), jetstream.WithStallWait(requestTime))
		if err != nil {
			return err
		}
		futures = append(futures, f)
	}
	for i, f := range futures {
		select {
		case <-f.Ok():
			if err := h.broker.NC.Publish(protocol.JobSubject+s.To[i], nil); err != nil {
				return err
			}
		case err := <-f.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// jobsAfter gives an endpoint what came for it behind a number.
func (h *Hub) jobsAfter(ctx context.Context, id string, after uint64) protocol.JobsAnswer {
	a := protocol.JobsAnswer{Stream: h.streams.created, Jobs: []protocol.QueuedJob{}}
	size := 0
	for seq := after + 1; seq != 0; {
		m, err := h.streams.jobs.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(keptJob+id))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			a.Error = err.Error()
			break
		}
		// Quoting makes a text longer, at most twice for what an envelope is made of.
		if size += 2*len(m.Data) + 64; size > protocol.MaxMessage*9/10 && len(a.Jobs) > 0 {
			a.More = true
			break
		}
		a.Jobs = append(a.Jobs, protocol.QueuedJob{Seq: m.Sequence, Envelope: string(m.Data)})
		seq = m.Sequence + 1
		a.Last = m.Sequence
	}
	// Asked for after the jobs, so that none of them is behind it.
	info, err := h.streams.jobs.Info(ctx)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	a.Last = max(a.Last, info.State.LastSeq)
	return a
}

// Recent implements view.Jobs.
func (h *Hub) Recent(ctx context.Context, limit int) ([]view.Job, error) {
	info, err := h.streams.sent.Info(ctx)
	if err != nil {
		return nil, err
	}
	list := []view.Job{}
	for seq := info.State.LastSeq; seq >= max(info.State.FirstSeq, 1) && len(list) < limit; seq-- {
		m, err := h.streams.sent.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return list, err
		}
		var s sentJob
		if err := json.Unmarshal(m.Data, &s); err != nil {
			return list, err
		}
		list = append(list, s.view())
	}
	return list, nil
}

func (s sentJob) view() view.Job {
	parsed, err := parse([]byte(s.Envelope))
	if err != nil {
		return view.Job{Reason: err.Error(), Sent: s.Sent, SentBy: s.By, Envelope: s.Envelope}
	}
	j, e := parsed.Job, parsed.Envelope
	v := view.Job{
		ID: j.ID, Action: j.Action, Profile: j.Profile.Name, Case: j.Case, Operator: j.Operator, Approvals: j.Approvals,
		Reason: j.Reason, Issued: j.Issued, Expires: j.Expires, Sent: s.Sent, SentBy: s.By, Targets: s.Devices,
		Group: j.Targets.Group, Envelope: s.Envelope, Payload: e.Payload, Signatures: e.Signatures,
	}
	for _, text := range e.Signatures {
		v.Keys = append(v.Keys, keyOf(text))
	}
	return v
}

// keyOf is the fingerprint of the key that a signature says it is by; "" if none.
func keyOf(armored string) string {
	s, err := sshsig.Unarmor([]byte(armored))
	if err != nil || s.PublicKey == nil {
		return ""
	}
	return ssh.FingerprintSHA256(s.PublicKey)
}

func (h *Hub) now() string { return h.o.Now().UTC().Format(time.RFC3339Nano) }

func (h *Hub) publicText() string { return signed.PublicText(h.pub) }

// endpointsAnswer lists as many endpoints behind a name as fit into an answer.
func (h *Hub) endpointsAnswer(after string) protocol.EndpointsAnswer {
	list := h.registry.List()
	for len(list) > 0 && list[0].Device <= after {
		list = list[1:]
	}
	a := protocol.EndpointsAnswer{Endpoints: list}
	for {
		b, err := json.Marshal(a)
		if err == nil && len(b) < protocol.MaxMessage*9/10 || len(a.Endpoints) == 0 {
			return a
		}
		a.More = true
		a.Endpoints = a.Endpoints[:len(a.Endpoints)*3/4]
	}
}

// List implements view.Endpoints.
func (h *Hub) List(context.Context) ([]protocol.Endpoint, error) { return h.registry.List(), nil }
