package intake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"hozen/packager/signed"
	"hozen/service/hub/broker"
	"hozen/service/protocol"
)

// How long a sender waits before it tries again, in seconds.
const (
	waitFull  = 30 // no room
	waitBusy  = 5  // others are being served
	waitStore = 5  // the storage does not answer
)

// A file may have partsBase parts, and one more for each partsEach bytes: each part costs
// memory here, however short it is.
const (
	partsBase = 1024
	partsEach = 8 << 10
)

const writeTime = 10 * time.Second // that the storage may take for one part

// Part stores one part of a file, durably, before it answers. A part that is there
// already is acknowledged again; one that leaves a gap is refused with the offset at
// which to go on.
func (in *Intake) Part(ctx context.Context, id, collection, name string, h nats.Header, data []byte) protocol.Ack {
	offset, err := checkPart(collection, name, h, data)
	if err != nil {
		return protocol.Ack{Error: err.Error()}
	}
	u, rec, err := in.upload(ctx, id, collection)
	if err != nil {
		return protocol.Ack{Error: err.Error(), Wait: waitStore}
	}
	if rec.State == receipted || rec.State == committed {
		return protocol.Ack{Error: "the collection was committed already", Offset: rec.whole(name).Bytes}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	f := u.files[name]
	if f.doubt {
		if err := in.reload(ctx, f); err != nil {
			return protocol.Ack{Error: err.Error(), Offset: f.size, Wait: waitStore}
		}
	}
	end := offset + int64(len(data))
	switch {
	case offset <= f.size && end <= f.size:
		return protocol.Ack{Seq: f.last(), Offset: f.size}
	case offset != f.size:
		return protocol.Ack{Error: fmt.Sprintf("part at %d: the next one begins at %d", offset, f.size), Offset: f.size}
	case u.working:
		return protocol.Ack{Error: "the collection is being verified", Offset: f.size, Wait: waitBusy}
	}
	if most := partsBase + f.size/partsEach; int64(len(f.starts)) >= most {
		return protocol.Ack{Error: fmt.Sprintf("%d parts for %d bytes: parts are too small", most, f.size), Offset: f.size}
	}
	if wait, err := in.admit(u, name, int64(len(data))); err != nil {
		return protocol.Ack{Error: err.Error(), Offset: f.size, Wait: wait}
	}
	return in.write(ctx, u, f, h, data)
}

// write puts a part into the stream; the stream refuses it if it is not the next one.
func (in *Intake) write(ctx context.Context, u *upload, f *file, h nats.Header, data []byte) protocol.Ack {
	m := nats.NewMsg(f.subject)
	m.Header.Set(protocol.HeaderOffset, strconv.FormatInt(f.size, 10))
	m.Header.Set(protocol.HeaderSHA256, h.Get(protocol.HeaderSHA256))
	m.Data = data
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	before := f.size
	err := broker.Again(ctx, func(ctx context.Context, n int) error { return in.put(ctx, f, m, n) })
	if f.size > before {
		in.took(u.id, f.size-before)
	}
	if err != nil {
		f.doubt = true
		in.o.Log.Warn("part not stored", "subject", f.subject, "offset", f.size, "error", err.Error())
		if isFull(err) {
			return protocol.Ack{Error: "the hub has no room", Offset: f.size, Wait: waitFull}
		}
		return protocol.Ack{Error: "not stored: " + err.Error(), Offset: f.size, Wait: waitStore}
	}
	u.touched = time.Now()
	return protocol.Ack{Seq: f.last(), Offset: f.size}
}

// put publishes the next part. When it was published before, and no answer came, it may
// be stored already, or be about to be; that the stream is further than we know says the
// same. Then the stream is asked, of which the replica that answers may be behind.
func (in *Intake) put(ctx context.Context, f *file, m *nats.Msg, n int) error {
	if n > 1 {
		size := f.size
		if err := in.reload(ctx, f); err != nil || f.size > size {
			return err
		}
	}
	ack, err := in.o.JS.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(f.last()))
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return fmt.Errorf("%w: %w", broker.ErrSilent, err)
	}
	if err != nil {
		return err
	}
	if f.summed == f.size {
		f.sum.Write(m.Data)
		f.summed += int64(len(m.Data))
	}
	f.add(ack.Sequence, int64(len(m.Data)))
	return nil
}

// checkPart looks at everything that the sender says of a part.
func checkPart(collection, name string, h nats.Header, data []byte) (int64, error) {
	if err := protocol.CheckCollection(collection); err != nil {
		return 0, err
	}
	if name != protocol.FileArchive && name != protocol.FileLog {
		return 0, fmt.Errorf("file %.40q: want %s or %s", name, protocol.FileArchive, protocol.FileLog)
	}
	if len(data) == 0 || len(data) > protocol.PartBytes {
		return 0, fmt.Errorf("a part of %d bytes: want 1 to %d", len(data), protocol.PartBytes)
	}
	text := h.Get(protocol.HeaderOffset)
	offset, err := strconv.ParseInt(text, 10, 64)
	if err != nil || offset < 0 || strconv.FormatInt(offset, 10) != text || offset > maxFile {
		return 0, fmt.Errorf("header %s %.40q: want a number of bytes", protocol.HeaderOffset, text)
	}
	if h.Get(protocol.HeaderSHA256) != signed.HexSum(data) {
		return 0, errors.New("the part was damaged on the way: its SHA-256 differs")
	}
	return offset, nil
}

// admit says why a part of size bytes may not be taken now.
func (in *Intake) admit(u *upload, name string, size int64) (wait int64, err error) {
	if name == protocol.FileLog && u.files[name].size+size > maxLog {
		return 0, fmt.Errorf("a custody log of more than %d bytes", maxLog)
	}
	if err := in.room(size); err != nil {
		return waitFull, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.transit[u.id]+size > in.o.Transit {
		return waitFull, fmt.Errorf("more than %d bytes of this endpoint without a receipt", in.o.Transit)
	}
	if err := in.share(u.id, size); err != nil {
		return waitFull, err
	}
	if time.Since(u.touched) < activeFor {
		return 0, nil
	}
	now := time.Now()
	for key, last := range in.active {
		if now.Sub(last) > activeFor {
			delete(in.active, key)
		}
	}
	if _, ok := in.active[u.key()]; !ok && len(in.active) >= in.o.Active {
		return waitBusy, errors.New("the hub takes in as many archives as it can at the same time")
	}
	in.active[u.key()] = now
	return 0, nil
}

// room says that the storage is nearly full.
func (in *Intake) room(size int64) error {
	if in.o.Free == nil {
		return nil
	}
	free, err := in.o.Free()
	if err != nil {
		return nil // not known is not full: the storage itself says so then
	}
	if free < in.o.Reserve+size {
		return errors.New("the hub has no room: its disk is full")
	}
	return nil
}

// Resume says how far a file got.
func (in *Intake) Resume(ctx context.Context, id string, req protocol.ResumeRequest) protocol.ResumeAnswer {
	if err := protocol.CheckCollection(req.Collection); err != nil {
		return protocol.ResumeAnswer{Error: err.Error()}
	}
	if req.File != protocol.FileArchive && req.File != protocol.FileLog {
		return protocol.ResumeAnswer{Error: "unknown file"}
	}
	rec, _, err := in.record(ctx, id, req.Collection)
	if err != nil {
		return protocol.ResumeAnswer{Error: err.Error(), Wait: waitStore}
	}
	if rec.State == receipted || rec.State == committed {
		return protocol.ResumeAnswer{Offset: rec.whole(req.File).Bytes}
	}
	if err := in.room(0); err != nil {
		return protocol.ResumeAnswer{Error: err.Error(), Wait: waitFull}
	}
	u := in.known(id, req.Collection)
	if u == nil {
		return protocol.ResumeAnswer{}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.working { // what came is about to be set aside, or has its receipt
		return protocol.ResumeAnswer{Error: "the collection is being verified", Wait: waitBusy}
	}
	f := u.files[req.File]
	if f.doubt {
		if err := in.reload(ctx, f); err != nil {
			return protocol.ResumeAnswer{Error: err.Error(), Wait: waitStore}
		}
	}
	return protocol.ResumeAnswer{Offset: f.size}
}

func isNotFound(err error) bool { return errors.Is(err, jetstream.ErrMsgNotFound) }

// isFull says that JetStream has no room, by the codes of its API errors.
func isFull(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case 10023, 10028, 10047, 10077: // insufficient resources, memory, storage; a stream that could not store
		return true
	}
	return false
}

// Room says why there is no room for more; nil if there is.
func (in *Intake) Room() error { return in.room(0) }
