package remote

import (
	"context"
	"fmt"
	"log/slog"

	"hozen/service/protocol"
)

// An Operator is the connection of a person who sends jobs. It lasts for a command, and
// needs the hub to be there.
type Operator struct{ link *link }

// ConnectOperator connects as the operator who was enrolled into the directory.
func ConnectOperator(state string, log *slog.Logger) (*Operator, error) {
	h, err := Load(state)
	if err != nil {
		return nil, err
	}
	if h.Role != protocol.RoleOperator {
		return nil, fmt.Errorf("%s: enrolled as an %s, not as an %s", state, h.Role, protocol.RoleOperator)
	}
	key, err := loadSeed(state)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l, err := open(h, login{key: key}, log)
	if err != nil {
		return nil, fmt.Errorf("hub %s %v: %w", h.Hub, h.Addresses, err)
	}
	return &Operator{l}, nil
}

// Close ends the connection.
func (o *Operator) Close() { o.link.close() }

// Hub gives what the enrolment pinned.
func (o *Operator) Hub() Hub { return o.link.hub }

// Send gives the hub a signed job to pass on. Sent again, it goes to nobody twice.
func (o *Operator) Send(ctx context.Context, envelope []byte) (protocol.SendAnswer, error) {
	var a protocol.SendAnswer
	if len(envelope) > longestEnvelope {
		return a, fmt.Errorf("job of %d bytes: over %d", len(envelope), longestEnvelope)
	}
	err := o.link.exchange(ctx, protocol.APISubject+o.link.id+"."+protocol.VerbSend, envelope, &a)
	if err == nil {
		err = refusal(a.Error, true)
	}
	return a, err
}

// Status asks what became of a job.
func (o *Operator) Status(ctx context.Context, job string) (protocol.StatusAnswer, error) {
	var a protocol.StatusAnswer
	err := o.link.ask(ctx, protocol.VerbStatus, protocol.StatusRequest{Job: job}, &a)
	if err == nil {
		err = refusal(a.Error, true)
	}
	return a, err
}

// Endpoints lists the endpoints that the hub knows.
func (o *Operator) Endpoints(ctx context.Context) ([]protocol.Endpoint, error) {
	var all []protocol.Endpoint
	after := ""
	for {
		var a protocol.EndpointsAnswer
		err := o.link.ask(ctx, protocol.VerbEndpoints, protocol.EndpointsRequest{After: after}, &a)
		if err == nil {
			err = refusal(a.Error, true)
		}
		if err != nil {
			return all, err
		}
		all = append(all, a.Endpoints...)
		if !a.More || len(a.Endpoints) == 0 {
			return all, nil
		}
		last := all[len(all)-1].Device
		if last <= after {
			return all, fmt.Errorf("hub: device %.80q behind %.80q", last, after)
		}
		after = last
	}
}
