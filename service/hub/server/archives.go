package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/hub/intake"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

// trust is whom the hub believes about an endpoint's archives: the device's enrolled
// keys, and the operators that the hub's administrator named.
func (h *Hub) trust(id string) (string, *packager.Trust, error) {
	e, ok := h.registry.Record(id)
	if !ok {
		return "", nil, errors.New("never an endpoint")
	}
	t, err := packager.ParseTrust(strings.NewReader(e.Trust() + h.o.Operators))
	return e.Device, t, err
}

// sign signs a receipt.
func (h *Hub) sign(r protocol.Receipt) (s protocol.SignedReceipt, err error) {
	r.Hub, r.Key = h.o.Name, h.publicText()
	b, err := signed.Encode(r)
	if err != nil {
		return s, err
	}
	sig, err := signed.Sign(h.key, signed.Receipt, b)
	return protocol.SignedReceipt{Payload: string(b), Sig: string(sig)}, err
}

func (h *Hub) tellReceipt(_ string, r protocol.Receipt, s protocol.SignedReceipt) {
	h.watchers.tell(view.Event{Kind: "receipt", Device: r.Device, Job: r.Job, Text: s.Payload})
}

// Archives implements view.Archives.
func (h *Hub) Archives(ctx context.Context, device string, limit int) ([]view.Archive, error) {
	list, arrivals := []view.Archive{}, h.intake.Arrivals()
	info, err := h.streams.receipts.Info(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	looked := 0
	for seq := info.State.LastSeq; seq >= max(info.State.FirstSeq, 1) && len(list) < limit && looked < maxScan; seq-- {
		looked++
		m, err := h.streams.receipts.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return list, err
		}
		a, err := archiveOf(m.Data)
		if err != nil {
			return list, err
		}
		key := a.Endpoint + "." + a.Collection
		if (device == "" || device == a.Device) && !known[key] {
			known[key] = true
			list = append(list, a)
		}
	}
	way := []view.Archive{}
	for _, a := range arrivals {
		e, _ := h.registry.Record(a.ID)
		if len(way) == limit || device != "" && device != e.Device || known[a.ID+"."+a.Collection] {
			continue
		}
		one, err := h.arrival(ctx, e.Device, a)
		if err != nil {
			return way, err
		}
		way = append(way, one)
	}
	list = append(way, list...)
	return list[:min(len(list), limit)], nil
}

// arrival is an archive that is on its way, or has its receipt: the endpoint may have been told
// of that before the stream of receipts has it.
func (h *Hub) arrival(ctx context.Context, device string, a intake.Arrival) (view.Archive, error) {
	rec, r, _, ok, err := h.intake.Look(ctx, a.ID, a.Collection)
	if err != nil || !ok || rec.Receipt.Payload == "" {
		return onItsWay(device, a), err
	}
	return withReceipt(rec, r), nil
}

func onItsWay(device string, a intake.Arrival) view.Archive {
	return view.Archive{State: a.State, Bytes: a.Bytes, Receipt: protocol.Receipt{Collection: a.Collection, Endpoint: a.ID, Device: device}}
}

func withReceipt(rec intake.Record, r protocol.Receipt) view.Archive {
	return view.Archive{Receipt: r, Signed: rec.Receipt, State: "receipted", Bytes: r.Archive.Bytes + r.Log.Bytes}
}

// archiveOf reads a line of the stream of receipts.
func archiveOf(b []byte) (view.Archive, error) {
	a := view.Archive{State: "receipted"}
	if err := json.Unmarshal(b, &a.Signed); err != nil {
		return a, err
	}
	err := signed.Decode([]byte(a.Signed.Payload), &a.Receipt)
	a.Bytes = a.Receipt.Archive.Bytes + a.Log.Bytes
	return a, err
}

// Archive implements view.Archives.
func (h *Hub) Archive(ctx context.Context, device, collection string) (view.Archive, error) {
	a, _, err := h.archive(ctx, device, collection)
	return a, err
}

func (h *Hub) archive(ctx context.Context, device, collection string) (view.Archive, intake.Record, error) {
	id, ok := h.registry.ByDevice(device)
	if !ok {
		return view.Archive{}, intake.Record{}, fmt.Errorf("device %.80q: %w", device, view.ErrNotFound)
	}
	rec, r, report, ok, err := h.intake.Look(ctx, id, collection)
	if err != nil {
		return view.Archive{}, rec, err
	}
	if ok && rec.Receipt.Payload != "" {
		a := withReceipt(rec, r)
		a.Report = report
		return a, rec, nil
	}
	for _, a := range h.intake.Arrivals() {
		if a.ID == id && a.Collection == collection {
			return onItsWay(device, a), rec, nil
		}
	}
	return view.Archive{}, rec, fmt.Errorf("collection %.80q: %w", collection, view.ErrNotFound)
}

// Open implements view.Archives.
func (h *Hub) Open(ctx context.Context, device, collection, file string) (io.ReadCloser, int64, error) {
	_, rec, err := h.archive(ctx, device, collection)
	if err != nil {
		return nil, 0, err
	}
	name := rec.KeptAs[0]
	if file == protocol.FileLog {
		name = rec.KeptAs[1]
	}
	if name == "" || file != protocol.FileLog && file != protocol.FileArchive {
		return nil, 0, fmt.Errorf("%.40q of %s: %w", file, collection, view.ErrNotFound)
	}
	return h.store.Open(ctx, device, name)
}
