package intake

import (
	"context"
	"fmt"
	"regexp"

	"golang.org/x/time/rate"

	"hozen/service/protocol"
)

var jobPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{3,62}$`)

// Commit takes note, durably, that both files are whole. Asked again it answers the same.
func (in *Intake) Commit(ctx context.Context, id string, req protocol.CommitRequest) protocol.CommitAnswer {
	if err := checkCommit(req); err != nil {
		return protocol.CommitAnswer{Error: err.Error()}
	}
	rec, _, err := in.record(ctx, id, req.Collection)
	switch {
	case err != nil:
		return protocol.CommitAnswer{Error: err.Error(), Wait: waitStore}
	case (rec.State == committed || rec.State == receipted) && rec.Commit != req:
		return protocol.CommitAnswer{Error: "the collection was committed before, with other files"}
	case rec.State == committed || rec.State == receipted:
		in.queue.put(id + "." + req.Collection) // when the answer to the writing of the record was lost, nobody has begun
		return protocol.CommitAnswer{}
	case !in.pace(id):
		return protocol.CommitAnswer{Error: "too many collections in a short time", Wait: 60}
	}
	device, _, err := in.o.Trust(id)
	if err != nil {
		return protocol.CommitAnswer{Error: err.Error()}
	}
	u := in.known(id, req.Collection)
	if u == nil {
		return protocol.CommitAnswer{Error: "nothing of the collection has arrived"}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.working {
		return protocol.CommitAnswer{Error: "the collection is being verified", Wait: waitBusy}
	}
	for _, w := range []struct {
		name string
		said protocol.Whole
	}{{protocol.FileArchive, req.Archive}, {protocol.FileLog, req.Log}} {
		f := u.files[w.name]
		if f.doubt {
			if err := in.reload(ctx, f); err != nil {
				return protocol.CommitAnswer{Error: err.Error(), Wait: waitStore}
			}
		}
		if f.size != w.said.Bytes {
			return protocol.CommitAnswer{Error: fmt.Sprintf("%s: %d of %d bytes have arrived", w.name, f.size, w.said.Bytes)}
		}
	}
	rec = Record{State: committed, Device: device, Commit: req, Revision: rec.Revision}
	if err := in.keep(ctx, id, &rec); err != nil {
		return protocol.CommitAnswer{Error: err.Error(), Wait: waitStore}
	}
	u.committed = true
	in.queue.put(u.key())
	return protocol.CommitAnswer{}
}

// pace bounds how many collections an endpoint may leave behind here for good.
func (in *Intake) pace(id string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := in.paced[id]
	if l == nil {
		if len(in.paced) > 100_000 {
			clear(in.paced)
		}
		l = rate.NewLimiter(rate.Every(commitGap), commits)
		in.paced[id] = l
	}
	return l.Allow()
}

func checkCommit(req protocol.CommitRequest) error {
	if err := protocol.CheckCollection(req.Collection); err != nil {
		return err
	}
	if req.Job != "" && !jobPattern.MatchString(req.Job) {
		return fmt.Errorf("job %.80q: no id of a job", req.Job)
	}
	for _, w := range []struct {
		file string
		said protocol.Whole
	}{{protocol.FileArchive, req.Archive}, {protocol.FileLog, req.Log}} {
		collection, file, err := protocol.FileOf(w.said.Name)
		if err != nil {
			return err
		}
		if collection != req.Collection || file != w.file {
			return fmt.Errorf("%s: %.80q is not the %s of %s", w.file, w.said.Name, w.file, req.Collection)
		}
		if w.said.Bytes <= 0 || w.said.Bytes > maxFile {
			return fmt.Errorf("%s: %d bytes", w.file, w.said.Bytes)
		}
		if err := protocol.CheckSHA256(w.said.SHA256); err != nil {
			return fmt.Errorf("%s: %w", w.file, err)
		}
	}
	return nil
}

// Receipt gives the receipt of a collection, if it is made.
func (in *Intake) Receipt(ctx context.Context, id string, req protocol.ReceiptRequest) protocol.ReceiptAnswer {
	if err := protocol.CheckCollection(req.Collection); err != nil {
		return protocol.ReceiptAnswer{Error: err.Error()}
	}
	rec, _, err := in.record(ctx, id, req.Collection)
	switch {
	case err != nil:
		in.o.Log.Warn("receipt not read", "collection", req.Collection, "error", err.Error())
		return protocol.ReceiptAnswer{} // not yet
	case rec.State == wrong:
		return protocol.ReceiptAnswer{Error: rec.Error}
	case rec.State == "":
		return protocol.ReceiptAnswer{Error: "the collection was not committed"}
	}
	return protocol.ReceiptAnswer{Receipt: rec.Receipt}
}
