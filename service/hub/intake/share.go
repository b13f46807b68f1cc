package intake

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"hozen/service/hub/broker"
)

// DefaultShare is how much of the disk one endpoint may fill.
const DefaultShare = 0.8

// countStored adds up what is kept of each endpoint already.
func (in *Intake) countStored(ctx context.Context) error {
	w, all, err := broker.Watched(ctx, in.records)
	if err != nil {
		return err
	}
	for _, e := range all {
		var r Record
		id, _, _ := strings.Cut(e.Key(), ".")
		if json.Unmarshal(e.Value(), &r) == nil && r.State == receipted {
			in.stored[id] += r.Commit.Archive.Bytes + r.Commit.Log.Bytes
		}
	}
	return w.Stop()
}

// share says that an endpoint holds as much of the disk as it may: with a share of 0.8,
// four times what is left to all. in.mu is held.
func (in *Intake) share(id string, size int64) error {
	if in.o.Free == nil || in.o.Share <= 0 || in.o.Share >= 1 {
		return nil
	}
	free, err := in.o.Free()
	if err != nil {
		return nil // as in room
	}
	own := in.transit[id] + in.stored[id] + size
	if float64(own) > in.o.Share/(1-in.o.Share)*float64(free-in.o.Reserve) {
		return errors.New("this endpoint has filled its share of the hub's disk")
	}
	return nil
}
