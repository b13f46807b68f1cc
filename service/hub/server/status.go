package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/packager/signed"
	"hozen/service/hub/broker"
	"hozen/service/hub/registry"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

var jobID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{3,62}$`)

const (
	noJob    = "-"       // in subjects, of what is about no job that was sent to this endpoint
	maxLine  = 17 << 10  // bytes of an audit line: 16 KiB, and a little for its frame
	maxEvent = 128 << 10 // bytes of a progress event, quoted
	maxShown = 200       // audit lines of one endpoint that are shown with a job, the newest
	maxScan  = 20_000    // lines that one question about a job looks at
	refused  = "refused"
	stateNew = "sent"
)

// auditLine is a line of an endpoint's audit log (package audit), as far as the hub reads it.
type auditLine struct {
	Payload string `json:"payload"`
	Sig     string `json:"sig"`
}

type auditPayload struct {
	Job        string `json:"job"`
	Event      string `json:"event"`
	Collection string `json:"collection"`
	Reason     string `json:"reason"`
	Text       string `json:"text"`
	Time       string `json:"time"`
}

// why is the reason for programs and people.
func (p auditPayload) why() string {
	if p.Text == "" {
		return p.Reason
	}
	return strings.TrimPrefix(p.Reason+": "+p.Text, ": ")
}

// readLine gives what an audit line says; zero values where it says nothing.
func readLine(b []byte) (l auditLine, p auditPayload) {
	if json.Unmarshal(b, &l) == nil {
		_ = json.Unmarshal([]byte(l.Payload), &p) // what cannot be read says nothing
	}
	return l, p
}

// jobOf gives the id of a job that was sent to this endpoint; noJob for all else, so
// that nobody can make subjects at will.
func (h *Hub) jobOf(ctx context.Context, id, name string) string {
	if s, err := h.sentJob(ctx, name); err == nil && slices.Contains(s.To, id) {
		return name
	}
	return noJob
}

// status keeps an audit line, durably.
func (h *Hub) status(ctx context.Context, id string, b []byte) protocol.Ack {
	if len(b) > maxLine {
		return protocol.Ack{Error: "an audit line of more than 16 KiB"}
	}
	if err := h.keepsRoom(int64(len(b))); err != nil {
		return protocol.Ack{Error: err.Error(), Wait: 30}
	}
	_, p := readLine(b)
	job := h.jobOf(ctx, id, p.Job)
	var ack *jetstream.PubAck
	once := jetstream.WithMsgID(rand.Text()) // however often it is asked
	err := broker.Again(ctx, func(ctx context.Context, _ int) (err error) {
		ack, err = h.broker.JS.Publish(ctx, keptStatus+id+"."+job, b, once)
		return err
	})
	if err != nil {
		return protocol.Ack{Error: "not stored: " + err.Error(), Wait: 5}
	}
	e, _ := h.registry.Endpoint(id)
	h.watchers.tell(view.Event{Kind: "status", Device: e.Device, Job: strings.TrimPrefix(job, noJob), Text: string(b)})
	return protocol.Ack{Seq: ack.Sequence}
}

// progress keeps the newest progress of a job, in memory only; what says whether the
// machine may be switched off stays, as long as the job does.
func (h *Hub) progress(ctx context.Context, id string, b []byte) {
	var p protocol.Progress
	if len(b) > maxEvent || h.decode(b, &p) != nil {
		return
	}
	job := h.jobOf(ctx, id, p.Job)
	subjects := []string{keptProgress + id + "." + job}
	if protocol.Safety(p.Event) && job != noJob && h.keepsRoom(int64(len(b))) == nil {
		subjects = append(subjects, keptSafe+id+"."+job)
	}
	for _, s := range subjects {
		if _, err := h.broker.JS.Publish(ctx, s, b); err != nil {
			h.o.Log.Debug("progress not kept", "id", id, "error", err.Error())
		}
	}
	e, _ := h.registry.Endpoint(id)
	h.watchers.tell(view.Event{Kind: "progress", Device: e.Device, Job: strings.TrimPrefix(job, noJob), Text: p.Event})
}

// Which messages a scan is about.
const (
	all    = jetstream.DeliverAllPolicy
	newest = jetstream.DeliverLastPerSubjectPolicy // of each endpoint
)

// scan calls f with the messages of the subjects, oldest first.
func scan(ctx context.Context, s jetstream.Stream, subject string, which jetstream.DeliverPolicy, f func(m jetstream.Msg)) error {
	c, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}, DeliverPolicy: which})
	if err != nil {
		return err
	}
	info, err := c.Info(ctx)
	if err != nil {
		return err
	}
	left := min(info.NumPending, maxScan)
	for left > 0 {
		batch, err := c.Fetch(int(min(left, 500)))
		if err != nil {
			return err
		}
		n := uint64(0)
		for m := range batch.Messages() {
			f(m)
			n++
		}
		if err := batch.Error(); err != nil && !errors.Is(err, jetstream.ErrNoMessages) {
			return err
		}
		if n == 0 {
			return nil
		}
		left -= min(left, n)
	}
	return nil
}

// devicesOf gives what each endpoint said of a job, and what was delivered for it.
func (h *Hub) devicesOf(ctx context.Context, id string, s sentJob) ([]protocol.DeviceStatus, []view.Archive, error) {
	byID, collections := map[string]*protocol.DeviceStatus{}, map[string]string{}
	list := make([]protocol.DeviceStatus, len(s.To))
	for i, to := range s.To {
		list[i] = protocol.DeviceStatus{Device: s.Devices[i], State: stateNew, Lines: []string{}}
		byID[to] = &list[i]
	}
	archives := []view.Archive{}
	line := func(show bool) func(jetstream.Msg) {
		return func(m jetstream.Msg) {
			to := strings.Split(m.Subject(), ".")[3]
			d := byID[to]
			if d == nil {
				return
			}
			_, p := readLine(m.Data())
			if show {
				d.Lines = append(d.Lines, string(m.Data()))
				d.Lines = d.Lines[max(0, len(d.Lines)-maxShown):]
			}
			if p.Event != "" {
				d.State, d.Reason = p.Event, p.why()
			}
			if p.Collection != "" {
				collections[to] = p.Collection
			}
		}
	}
	// The state is that of the newest line, however many lines others have sent.
	err := errors.Join(
		scan(ctx, h.streams.status, keptStatus+"*."+id, all, line(true)),
		scan(ctx, h.streams.status, keptStatus+"*."+id, newest, line(false)))
	if err != nil {
		return nil, nil, err
	}
	for to, collection := range collections {
		if a, err := h.Archive(ctx, byID[to].Device, collection); err == nil {
			byID[to].Receipt = a.Verdict
			archives = append(archives, a)
		}
	}
	keep := func(to func(*protocol.DeviceStatus) *string) func(jetstream.Msg) {
		return func(m jetstream.Msg) {
			var p protocol.Progress
			if d := byID[strings.Split(m.Subject(), ".")[3]]; d != nil && json.Unmarshal(m.Data(), &p) == nil {
				*to(d) = p.Event
			}
		}
	}
	err = errors.Join(
		scan(ctx, h.streams.progress, keptProgress+"*."+id, newest, keep(func(d *protocol.DeviceStatus) *string { return &d.Progress })),
		scan(ctx, h.streams.safe, keptSafe+"*."+id, newest, keep(func(d *protocol.DeviceStatus) *string { return &d.Safe })))
	return list, archives, err
}

// statusOf answers an operator's question about a job.
func (h *Hub) statusOf(ctx context.Context, id string) protocol.StatusAnswer {
	a := protocol.StatusAnswer{Job: id, Devices: []protocol.DeviceStatus{}}
	s, err := h.sentJob(ctx, id)
	if err == nil {
		a.Devices, _, err = h.devicesOf(ctx, id, s)
	}
	if err != nil {
		a.Error = err.Error()
		return a
	}
	// Lines are dropped, the oldest devices' first, until the answer fits.
	for i := 0; i < len(a.Devices); i++ {
		if b, err := json.Marshal(a); err == nil && len(b) < protocol.MaxMessage*9/10 {
			break
		}
		for k := i; k < min(i+64, len(a.Devices)); k++ {
			a.Devices[k].Lines = a.Devices[k].Lines[:0]
		}
		i += 63
	}
	return a
}

// Job implements view.Jobs.
func (h *Hub) Job(ctx context.Context, id string) (view.JobDetail, error) {
	s, err := h.sentJob(ctx, id)
	if err != nil {
		return view.JobDetail{}, err
	}
	d := view.JobDetail{Job: s.view()}
	d.Devices, d.Archives, err = h.devicesOf(ctx, id, s)
	return d, err
}

// Refusals implements view.Endpoints: the newest refusals, of all jobs and endpoints.
func (h *Hub) Refusals(ctx context.Context, limit int) ([]view.Line, error) {
	info, err := h.streams.status.Info(ctx)
	if err != nil {
		return nil, err
	}
	list := []view.Line{}
	seen := 0
	for seq := info.State.LastSeq; seq >= max(info.State.FirstSeq, 1) && len(list) < limit && seen < maxScan; seq-- {
		seen++
		m, err := h.streams.status.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return list, err
		}
		if l, p := readLine(m.Data); p.Event == refused {
			e, _ := h.registry.Record(strings.Split(m.Subject, ".")[3])
			list = append(list, view.Line{
				Device: e.Device, Job: p.Job, State: p.Event, Reason: p.why(), Time: p.Time,
				Taken: m.Time.UTC().Format("2006-01-02T15:04:05Z07:00"), Signed: signedLine(e, l), Text: string(m.Data),
			})
		}
	}
	return list, nil
}

// signedLine says whether a line is signed by a key of the device.
func signedLine(e registry.Enrolled, l auditLine) bool {
	for _, k := range e.Keys {
		if pub, err := signed.ParsePublic(k.Key); err == nil && signed.Check(pub, signed.Audit, []byte(l.Payload), []byte(l.Sig)) == nil {
			return true
		}
	}
	return false
}
