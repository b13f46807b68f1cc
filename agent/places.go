package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"

	"hozen/service"
	"hozen/service/config"
	"hozen/service/deliver"
	"hozen/service/outbox"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// places makes the destinations of the configuration by their names.
type places struct {
	config *config.Config
	hub    *remote.Client // nil: there is none
}

// named gives a destination; "" is the usual one, nil where there is none.
func (p *places) named(name string) (*service.Destination, error) {
	name = cmp.Or(name, p.config.DeliverTo)
	if name == "" && p.hub != nil {
		name = config.Hub
	}
	switch name {
	case "":
		return nil, nil
	case config.Hub:
		return p.toHub()
	}
	d, ok := p.config.DestinationNamed(name)
	if !ok {
		return nil, fmt.Errorf("destination %q: not in the configuration", name)
	}
	to, err := p.open(d)
	if err != nil {
		return nil, err
	}
	return &service.Destination{Name: name, Target: outbox.Target{Destination: to}}, nil
}

func (p *places) open(d config.Destination) (deliver.Destination, error) {
	place, err := deliver.Parse(d.To)
	if err != nil {
		return nil, err
	}
	o := deliver.Options{Pin: d.Pin, CAFile: d.CA, Rate: p.config.Bandwidth, ReadBack: d.ReadBack}
	if d.Address.IsValid() {
		o.Resolve = map[string]netip.Addr{place.Host: d.Address}
	}
	if d.Credentials != "" {
		if o.Credentials, err = deliver.ReadCredentials(d.Credentials); err != nil {
			return nil, err
		}
	}
	return deliver.New(place, o)
}

// toHub sends to the hub, which answers with a signed receipt.
func (p *places) toHub() (*service.Destination, error) {
	if p.hub == nil {
		return nil, fmt.Errorf("destination %s: this machine is not enrolled: %w", config.Hub, remote.ErrNotEnrolled)
	}
	return &service.Destination{
		Name: config.Hub,
		Target: outbox.Target{Destination: deliver.Limited(p.hub.Destination(), p.config.Bandwidth), Receipt: func(ctx context.Context, r protocol.CommitRequest) (s protocol.SignedReceipt, word protocol.Receipt, err error) {
			if err := p.hub.Commit(ctx, r); err != nil {
				return s, word, err
			}
			return p.hub.Receipt(ctx, r)
		}},
	}, nil
}
