package server

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"hozen/service/hub/view"
	"hozen/service/protocol"
)

// counters are for /metrics and the log.
type counters struct {
	subscriptions             []*nats.Subscription
	messages, malformed, jobs atomic.Uint64
}

func newCounters() *counters { return &counters{} }

// pendingBytes bounds what waits between NATS and the lanes; handing over is quick.
const pendingBytes = 512 << 20

// subscribe listens to all that endpoints and operators may say.
func (h *Hub) subscribe() error {
	for _, s := range []string{
		protocol.APISubject + "*.*", protocol.PartSubject + "*.*.*", protocol.StatusSubject + "*",
		protocol.ProgressSubject + "*", protocol.HelloSubject + "*", protocol.EnrolSubject + "*",
	} {
		sub, err := h.broker.NC.Subscribe(s, h.receive)
		if err != nil {
			return err
		}
		if err := sub.SetPendingLimits(-1, pendingBytes); err != nil {
			return err
		}
		h.counters.subscriptions = append(h.counters.subscriptions, sub)
	}
	return h.broker.NC.Flush()
}

// receive puts a message into the lane of who sent it: NATS has checked that id.
func (h *Hub) receive(m *nats.Msg) {
	h.counters.messages.Add(1)
	if strings.HasPrefix(m.Subject, protocol.APISubject) { // when it came, whatever its sender wrote there
		m.Header = nats.Header{protocol.HeaderClock: {protocol.ClockMark(h.o.Now())}}
	}
	if t := strings.Split(m.Subject, "."); len(t) >= 3 {
		h.lanes.put(t[2], m)
	}
}

// answer replies to a request, but only where the asker may listen: a reply subject is
// chosen by the asker, and could be somebody else's.
func (h *Hub) answer(id string, m *nats.Msg, v any) {
	if !strings.HasPrefix(m.Reply, protocol.InboxPrefix+id+".") {
		return
	}
	b, err := protocol.Encode(v)
	if err == nil {
		err = m.RespondMsg(&nats.Msg{Header: h.clock(m), Data: b})
	}
	if err != nil {
		h.o.Log.Warn("answer not sent", "subject", m.Subject, "error", err.Error())
	}
}

// clock tells by our clock when a request came and when it is answered: the asker's clock
// is compared with it, and never set. Where that is of no use there is none.
func (h *Hub) clock(m *nats.Msg) nats.Header {
	came := m.Header.Get(protocol.HeaderClock)
	if came == "" || !strings.HasPrefix(m.Subject, protocol.APISubject) {
		return nil
	}
	return nats.Header{protocol.HeaderClock: {came + " " + protocol.ClockMark(h.o.Now())}}
}

// A refusal is the part that all answers have.
type refusal struct {
	Error string `json:"error"`
}

// overLimit answers a message that is not looked at.
func (h *Hub) overLimit(m *nats.Msg) {
	t := strings.Split(m.Subject, ".")
	switch kind := t[1]; {
	case kind == "api" && (t[3] == protocol.VerbResume || t[3] == protocol.VerbCommit):
		h.answer(t[2], m, protocol.CommitAnswer{Error: tooMany, Wait: waitTooMany})
		return
	case kind == "api" && t[3] == protocol.VerbReceipt:
		h.answer(t[2], m, protocol.ReceiptAnswer{}) // not yet; an error would say that it is to be sent again
		return
	case kind == "api", kind == "enrol":
		h.answer(t[2], m, refusal{tooMany})
		return
	}
	h.answer(t[2], m, protocol.Ack{Error: tooMany, Wait: waitTooMany})
}

// handle does what one message asks for. It runs in the lane of id.
func (h *Hub) handle(id string, m *nats.Msg) {
	ctx, cancel := context.WithTimeout(h.ctx, requestTime)
	defer cancel()
	t := strings.Split(m.Subject, ".")
	_, endpoint := h.registry.Endpoint(id)
	if endpoint {
		h.registry.Saw(id, nil)
	}
	switch kind := t[1]; {
	case kind == "enrol":
		h.answer(id, m, h.enrol(ctx, id, m.Data))
	case kind == "api" && endpoint:
		h.endpointRequest(ctx, id, t[3], m)
	case kind == "api":
		if _, ok := h.registry.IsOperator(id); ok {
			h.operatorRequest(ctx, id, t[3], m)
		}
	case !endpoint: // enrolled no longer
	case kind == "hello":
		h.hello(id, m.Data)
	case kind == "progress":
		h.progress(ctx, id, m.Data)
	case kind == "status":
		h.answer(id, m, h.status(ctx, id, m.Data))
	case kind == "part":
		h.answer(id, m, h.intake.Part(ctx, id, t[3], t[4], m.Header, m.Data))
	}
}

// decode reads a request; an empty one is all zeros.
func (h *Hub) decode(b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	err := protocol.Decode(b, v)
	if err != nil {
		h.counters.malformed.Add(1)
	}
	return err
}

func (h *Hub) endpointRequest(ctx context.Context, id, verb string, m *nats.Msg) {
	switch verb {
	case protocol.VerbJobs:
		serve(h, id, m, func(r protocol.JobsRequest) protocol.JobsAnswer { return h.jobsAfter(ctx, id, r.After) })
	case protocol.VerbResume:
		serve(h, id, m, func(r protocol.ResumeRequest) protocol.ResumeAnswer { return h.intake.Resume(ctx, id, r) })
	case protocol.VerbCommit:
		serve(h, id, m, func(r protocol.CommitRequest) protocol.CommitAnswer { return h.intake.Commit(ctx, id, r) })
	case protocol.VerbReceipt:
		serve(h, id, m, func(r protocol.ReceiptRequest) protocol.ReceiptAnswer { return h.intake.Receipt(ctx, id, r) })
	default:
		h.answer(id, m, refusal{"unknown verb"})
	}
}

// serve reads a request and sends the answer.
func serve[Q, A any](h *Hub, id string, m *nats.Msg, f func(Q) A) {
	var q Q
	if err := h.decode(m.Data, &q); err != nil {
		h.answer(id, m, refusal{err.Error()})
		return
	}
	h.answer(id, m, f(q))
}

func (h *Hub) operatorRequest(ctx context.Context, id, verb string, m *nats.Msg) {
	switch verb {
	case protocol.VerbSend:
		a, err := h.SendJob(ctx, m.Data, "operator:"+id)
		if err != nil {
			a.Error = err.Error()
		}
		h.answer(id, m, a)
	case protocol.VerbEndpoints:
		serve(h, id, m, func(r protocol.EndpointsRequest) protocol.EndpointsAnswer { return h.endpointsAnswer(r.After) })
	case protocol.VerbStatus:
		serve(h, id, m, func(r protocol.StatusRequest) protocol.StatusAnswer { return h.statusOf(ctx, r.Job) })
	default:
		h.answer(id, m, refusal{"unknown verb"})
	}
}

// enrol lets somebody in who has a token.
func (h *Hub) enrol(ctx context.Context, id string, b []byte) protocol.EnrolAnswer {
	var req protocol.Enrolment
	err := h.decode(b, &req)
	device, replaced := "", ""
	if err == nil {
		device, replaced, err = h.registry.Enrol(ctx, id, req)
	}
	if err != nil {
		h.o.Log.Info("enrolment refused", "id", id, "error", err.Error())
		return protocol.EnrolAnswer{Error: err.Error()}
	}
	h.o.Log.Info("enrolled", "id", id, "device", device, "replaced", replaced)
	if replaced != "" && replaced != id {
		h.broker.Kick(replaced)
	}
	h.watchers.tell(view.Event{Kind: "endpoint", Device: device})
	return protocol.EnrolAnswer{Hub: h.o.Name, HubKey: h.publicText()}
}

// Revoke ends the enrolment of a device, by name, or of an operator's connection, by id,
// and the connection.
func (h *Hub) Revoke(ctx context.Context, who string) error {
	id, err := h.registry.Revoke(ctx, who)
	if err != nil {
		return err
	}
	h.o.Log.Warn("revoked", "id", id, "who", who)
	h.broker.Kick(id)
	h.watchers.tell(view.Event{Kind: "endpoint", Device: who})
	return nil
}

// hello notes what an endpoint says of itself; the device is the one that enrolled.
func (h *Hub) hello(id string, b []byte) {
	var hello protocol.Hello
	e, _ := h.registry.Endpoint(id)
	if len(b) > maxHello || h.decode(b, &hello) != nil {
		return
	}
	hello.Device = e.Device
	h.registry.Saw(id, &hello)
	h.watchers.tell(view.Event{Kind: "hello", Device: e.Device, Text: string(b)})
}

const maxHello = 8 << 10
