package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/service/config"
	"hozen/service/deliver"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// hubStall is how long the hub may be silent while a piece is on its way.
const hubStall = time.Minute

// hubPlace is the hub that this machine is enrolled at, as a destination of a command. The
// connection is the service's own, beside which it may stand.
type hubPlace struct {
	deliver.Destination
	client *remote.Client
}

// hubKey is the key that signs what goes to the hub, where none is named: the installed
// one, which the hub knows.
func (a *app) hubKey(t toOptions) (string, error) {
	if p, err := deliver.Parse(t.to); err != nil || p.Kind != deliver.Hub {
		return "", nil // what is wrong with the place is said where it is opened
	}
	c, err := config.Load(t.config)
	if err != nil {
		return "", fail(err, a.text(mHintToHub))
	}
	return c.In(config.DeviceKey), nil
}

// openHub connects with what the enrolment left.
func (a *app) openHub(file string) (*hubPlace, error) {
	c, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	client, err := remote.Connect(remote.Options{State: c.StateDir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return &hubPlace{client.Destination(), client}, nil
}

// Open implements deliver.Destination. What the client would wait for without end, while
// the link is lost, is an error here: whoever collects must go on.
func (h *hubPlace) Open(ctx context.Context, name string) (deliver.Upload, error) {
	ctx, cancel := context.WithTimeout(ctx, hubStall)
	defer cancel()
	u, err := h.Destination.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return boundedUpload{u}, nil
}

// Close ends the connection.
func (h *hubPlace) Close() error {
	h.client.Close()
	return nil
}

// receipt asks for the hub's word for what was sent.
func (h *hubPlace) receipt(ctx context.Context, r protocol.CommitRequest) (protocol.SignedReceipt, protocol.Receipt, error) {
	if err := h.client.Commit(ctx, r); err != nil {
		return protocol.SignedReceipt{}, protocol.Receipt{}, err
	}
	return h.client.Receipt(ctx, r)
}

// boundedUpload gives up when the other side is silent for too long.
type boundedUpload struct{ deliver.Upload }

func (b boundedUpload) Write(ctx context.Context, p []byte) error {
	ctx, cancel := context.WithTimeout(ctx, hubStall)
	defer cancel()
	return b.Upload.Write(ctx, p)
}

func (b boundedUpload) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hubStall)
	defer cancel()
	return b.Upload.Flush(ctx)
}

func (b boundedUpload) Commit(ctx context.Context, size int64, sum string) error {
	ctx, cancel := context.WithTimeout(ctx, hubStall)
	defer cancel()
	return b.Upload.Commit(ctx, size, sum)
}

// receiptTime bounds how long a command waits for a receipt: the hub verifies the whole
// archive first.
const receiptTime = 10 * time.Minute

var errNoReceipt = errors.New("no receipt: it is not known whether the hub has it whole")

// askReceipt asks the hub for its word, if that is where the collection went. It is
// what proves that the archive is there.
func (c *collection) askReceipt(s *summary) {
	h := c.o.to.hub
	if h == nil || s.Delivery.Error != "" {
		return
	}
	request := protocol.CommitRequest{Collection: c.name}
	for _, f := range s.Delivery.Files {
		whole := protocol.Whole{Name: f.Name, Bytes: f.Bytes, SHA256: f.SHA256}
		if f.Proof == "" {
			return
		}
		request = withFile(request, whole)
	}
	ctx, cancel := context.WithTimeout(context.Background(), receiptTime)
	defer cancel()
	c.ui.screen.draw(c.a.text(mAskReceipt))
	signed, r, err := h.receipt(ctx, request)
	if err != nil {
		s.Delivery.Error = escape(fault.Join(errNoReceipt, err).Error())
		s.Exit = exitShort
		return
	}
	s.Delivery.Receipt, s.Delivery.Verdict = &signed, r.Verdict
}

// note keeps what was sent of a collection, for the receipt.
func (k *courier) note(w protocol.Whole) {
	collection, _, err := protocol.FileOf(w.Name)
	if err != nil {
		return // no file that a hub would take
	}
	r := k.sent[collection]
	r.Collection = collection
	k.sent[collection] = withFile(r, w)
}

// withFile adds a file that was sent to what a receipt is asked for.
func withFile(r protocol.CommitRequest, w protocol.Whole) protocol.CommitRequest {
	if w.Name == packager.LogName(r.Collection) {
		r.Log = w
	} else {
		r.Archive = w
	}
	return r
}

// receivedLine is what `deliver --to hub --json` says of a collection when all is sent.
type receivedLine struct {
	Collection string                 `json:"collection"`
	Verdict    string                 `json:"verdict"`
	Receipt    protocol.SignedReceipt `json:"receipt"`
}

// askReceipts asks the hub for its word for each collection that was sent.
func (k *courier) askReceipts(ctx context.Context, h *hubPlace) error {
	for _, collection := range slices.Sorted(maps.Keys(k.sent)) {
		if err := k.askReceipt(ctx, h, k.sent[collection]); err != nil {
			return fail(fmt.Errorf("%s: %w", collection, fault.Join(errNoReceipt, err)), k.a.text(mHintOnlyAgain))
		}
	}
	return nil
}

func (k *courier) askReceipt(ctx context.Context, h *hubPlace, r protocol.CommitRequest) error {
	if r.Log.Name == "" || r.Archive.Name == "" {
		return errors.New("the archive and its custody log are needed, both")
	}
	ctx, cancel := context.WithTimeout(ctx, receiptTime)
	defer cancel()
	k.screen.draw(k.a.text(mAskReceipt))
	signed, receipt, err := h.receipt(ctx, r)
	k.screen.draw("")
	if err != nil {
		return err
	}
	if k.json {
		return writeJSON(k.a.stdout, receivedLine{r.Collection, receipt.Verdict, signed})
	}
	_, err = fmt.Fprintln(k.a.stdout, k.a.text(mSumReceipt, receipt.Verdict))
	return err
}
