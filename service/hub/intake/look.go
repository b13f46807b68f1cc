package intake

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/packager/evidence/sorting"
	"hozen/packager/signed"
	"hozen/service/protocol"
)

// An Arrival is a collection without a receipt.
type Arrival struct {
	ID, Collection string
	State          string // arriving, verifying
	Bytes          int64
}

// Arrivals lists what is on its way.
func (in *Intake) Arrivals() []Arrival {
	in.mu.Lock()
	all := make([]*upload, 0, len(in.uploads))
	for _, u := range in.uploads {
		all = append(all, u)
	}
	in.mu.Unlock()
	list := make([]Arrival, 0, len(all))
	for _, u := range all {
		u.mu.Lock()
		a := Arrival{ID: u.id, Collection: u.collection, State: "arriving", Bytes: u.bytes()}
		if u.committed {
			a.State = "verifying"
		}
		u.mu.Unlock()
		list = append(list, a)
	}
	sorting.By(list, func(a, b Arrival) int { return strings.Compare(a.ID+a.Collection, b.ID+b.Collection) })
	return list
}

// Look gives the record of a collection, what its receipt says, and the report of its
// verification as JSON; false if it was never committed.
func (in *Intake) Look(ctx context.Context, id, collection string) (rec Record, r protocol.Receipt, report []byte, ok bool, err error) {
	if err := protocol.CheckCollection(collection); err != nil {
		return rec, r, nil, false, nil
	}
	if rec, ok, err = in.record(ctx, id, collection); err != nil || !ok || rec.Receipt.Payload == "" {
		return rec, r, nil, ok, err
	}
	if err := signed.Decode([]byte(rec.Receipt.Payload), &r); err != nil {
		return rec, r, nil, ok, err
	}
	e, err := in.reports.Get(ctx, id+"."+collection)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return rec, r, nil, ok, nil
	}
	if err != nil {
		return rec, r, nil, ok, err
	}
	if !json.Valid(e.Value()) {
		return rec, r, nil, ok, nil
	}
	return rec, r, e.Value(), ok, nil
}
