package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"hozen/packager/signed"
	"hozen/service/hub/console/users"
	"hozen/service/hub/view"
	"hozen/service/job"
	"hozen/service/protocol"
)

// fakeHub is a view.Hub in memory.
type fakeHub struct {
	*users.Store
	mu        sync.Mutex
	about     view.About
	list      []protocol.Endpoint
	details   []view.JobDetail // newest first
	kept      []view.Archive
	lines     []view.Line
	stored    map[string][]byte // device/collection/file
	watchers  map[chan view.Event]bool
	sent      []string // who sent which envelope
	sendError error
}

func (f *fakeHub) About() view.About { return f.about }

func (f *fakeHub) List(context.Context) ([]protocol.Endpoint, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.list), nil
}

func (f *fakeHub) Refusals(_ context.Context, limit int) ([]view.Line, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return first(f.lines, limit), nil
}

func first[T any](list []T, limit int) []T {
	if limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	return slices.Clone(list)
}

func (f *fakeHub) Recent(_ context.Context, limit int) (out []view.Job, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range first(f.details, limit) {
		out = append(out, d.Job)
	}
	return out, nil
}

func (f *fakeHub) Job(_ context.Context, id string) (view.JobDetail, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.details {
		if d.ID == id {
			d.Devices = slices.Clone(d.Devices)
			return d, nil
		}
	}
	return view.JobDetail{}, fmt.Errorf("job: %w", view.ErrNotFound)
}

func (f *fakeHub) SendJob(_ context.Context, envelope []byte, by string) (protocol.SendAnswer, error) {
	if f.sendError != nil {
		return protocol.SendAnswer{}, f.sendError
	}
	s, err := job.Parse(envelope)
	if err != nil {
		return protocol.SendAnswer{}, fmt.Errorf("%w: %v", view.ErrRefused, err)
	}
	f.mu.Lock()
	f.sent = append(f.sent, by)
	f.details = slices.Insert(f.details, 0, detailOf(s, string(envelope), by))
	f.mu.Unlock()
	f.tell(view.Event{Kind: "job", Job: s.Job.ID})
	return protocol.SendAnswer{Job: s.Job.ID, To: s.Job.Targets.Devices}, nil
}

func detailOf(s *job.Signed, envelope, by string) view.JobDetail {
	j := s.Job
	d := view.JobDetail{Job: view.Job{
		ID: j.ID, Action: j.Action, Profile: j.Profile.Name, Case: j.Case, Operator: j.Operator, Approvals: j.Approvals, Reason: j.Reason,
		Issued: j.Issued, Expires: j.Expires, Sent: "2026-11-22T05:30:00Z", SentBy: by, Targets: j.Targets.Devices, Group: j.Targets.Group,
		Envelope: envelope, Payload: s.Envelope.Payload, Signatures: s.Envelope.Signatures,
	}}
	for _, t := range j.Targets.Devices {
		d.Devices = append(d.Devices, protocol.DeviceStatus{Device: t, State: "sent"})
	}
	return d
}

func (f *fakeHub) Watch(ctx context.Context) <-chan view.Event {
	c := make(chan view.Event, 16)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == nil {
		f.watchers = map[chan view.Event]bool{}
	}
	f.watchers[c] = true
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, c)
		close(c)
	})
	return c
}

func (f *fakeHub) tell(e view.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.watchers {
		select {
		case c <- e:
		default:
		}
	}
}

// status changes what a device said of a job, and tells it.
func (f *fakeHub) status(id, device string, change func(*protocol.DeviceStatus)) {
	f.mu.Lock()
	for i := range f.details {
		for k := range f.details[i].Devices {
			if s := &f.details[i].Devices[k]; f.details[i].ID == id && s.Device == device {
				change(s)
			}
		}
	}
	f.mu.Unlock()
	f.tell(view.Event{Kind: "status", Job: id, Device: device})
}

func (f *fakeHub) watching() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.watchers)
}

func (f *fakeHub) Archives(_ context.Context, device string, limit int) (out []view.Archive, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.kept {
		if device == "" || a.Device == device {
			out = append(out, a)
		}
	}
	return first(out, limit), nil
}

func (f *fakeHub) Archive(_ context.Context, device, collection string) (view.Archive, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.kept {
		if a.Device == device && a.Collection == collection {
			return a, nil
		}
	}
	return view.Archive{}, fmt.Errorf("archive: %w", view.ErrNotFound)
}

func (f *fakeHub) Open(_ context.Context, device, collection, file string) (io.ReadCloser, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.stored[device+"/"+collection+"/"+file]
	if !ok {
		return nil, 0, view.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(string(b))), int64(len(b)), nil
}

// store adds an archive with its log and receipt.
func (f *fakeHub) store(a view.Archive, archive, log []byte) {
	a.State = "receipted"
	a.Archive.Bytes, a.Archive.SHA256 = int64(len(archive)), signed.HexSum(archive)
	a.Log.Bytes, a.Log.SHA256 = int64(len(log)), signed.HexSum(log)
	payload, _ := json.Marshal(a.Receipt)
	a.Signed = protocol.SignedReceipt{Payload: string(payload) + "\n", Sig: signed.ArmorBegin + "AAAA\n" + signed.ArmorEnd}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = slices.Insert(f.kept, 0, a)
	key := a.Device + "/" + a.Collection + "/"
	f.stored[key+"archive"], f.stored[key+"log"] = archive, log
}
