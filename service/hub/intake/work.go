package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/packager"
	"hozen/service/deliver"
	"hozen/service/hub/broker"
	"hozen/service/protocol"
)

const (
	workAgain = 10 * time.Second // after an error that may pass
	maxReport = 512 << 10        // bytes of a report that is kept
)

// work takes uploads from the queue until it is closed.
func (in *Intake) work(ctx context.Context) {
	for {
		key, ok := in.queue.get()
		if !ok {
			return
		}
		id, collection, _ := strings.Cut(key, ".")
		err := in.finish(ctx, id, collection)
		in.queue.done(key)
		if err == nil || ctx.Err() != nil {
			continue
		}
		in.o.Log.Warn("archive waits", "collection", collection, "error", err.Error())
		time.AfterFunc(workAgain, func() { in.queue.put(key) })
	}
}

// finish brings a committed collection to its receipt, from wherever it stopped.
func (in *Intake) finish(ctx context.Context, id, collection string) error {
	u := in.known(id, collection)
	if u == nil {
		return nil
	}
	rec, _, err := in.record(ctx, id, collection)
	if err != nil || rec.State == "" || rec.State == wrong {
		return err
	}
	u.mu.Lock()
	busy := u.working
	u.committed, u.working = true, true
	u.mu.Unlock()
	if busy {
		return nil
	}
	if err = in.bring(ctx, id, u, &rec); err != nil {
		u.mu.Lock()
		u.working = false
		u.mu.Unlock()
	}
	return err
}

// bring does the steps that are left.
func (in *Intake) bring(ctx context.Context, id string, u *upload, rec *Record) error {
	if rec.State == committed {
		if err := in.verify(ctx, id, u, rec); err != nil {
			return err
		}
	}
	if rec.State == receipted {
		if err := in.publish(ctx, id, *rec); err != nil {
			return err
		}
	}
	return in.forget(ctx, u, rec.State == receipted)
}

// verify makes the receipt, or finds that the files are not those of the commit.
func (in *Intake) verify(ctx context.Context, id string, u *upload, rec *Record) error {
	for _, name := range []string{protocol.FileArchive, protocol.FileLog} {
		sum, err := in.hash(ctx, u.files[name])
		if err != nil {
			return err
		}
		if said := rec.whole(name); sum != said.SHA256 || u.files[name].size != said.Bytes {
			rec.State, rec.Upto = wrong, u.last()
			rec.Error = fmt.Sprintf("%s: %d bytes with SHA-256 %s arrived, not %d with %s: send it again", name, u.files[name].size, sum, said.Bytes, said.SHA256)
			in.o.Log.Warn("archive not as committed", "collection", u.collection, "error", rec.Error)
			return in.keep(ctx, id, rec)
		}
	}
	report, err := in.judge(ctx, id, u)
	if err != nil {
		return err
	}
	where, err := in.store(ctx, u, rec)
	if err != nil {
		return err
	}
	if err := in.keepReport(ctx, u.key(), report); err != nil {
		return err
	}
	r := protocol.Receipt{
		Type: protocol.ReceiptType, Collection: u.collection, Endpoint: id, Device: rec.Device, Job: rec.Commit.Job,
		Archive: rec.Commit.Archive, Log: rec.Commit.Log, Verdict: receiptVerdict(report), Head: report.Head,
		Findings: len(report.Findings), Stored: where, Time: in.o.Now().UTC().Format(time.RFC3339),
	}
	if rec.Receipt, err = in.o.Sign(r); err != nil {
		return err
	}
	rec.State = receipted
	if err := in.keep(ctx, id, rec); err != nil {
		return err
	}
	code := report.Verdict.ExitCode()
	if report.Verdict == protocol.NotVerified {
		code = NotVerifiedCode
	}
	in.Verdicts[code%len(in.Verdicts)].Add(1)
	in.o.Log.Info("receipt", "collection", u.collection, "device", rec.Device, "verdict", r.Verdict, "bytes", r.Archive.Bytes)
	in.o.Tell(id, r, rec.Receipt)
	return nil
}

// receiptVerdict is what the receipt says. Cipher text is VALID-OUTER whether it was sealed or
// not; of one that was not, people and endpoints must hear that it is not whole.
func receiptVerdict(r *packager.Report) string {
	if r.Verdict == packager.ValidOuter && !r.Sealed {
		return string(packager.ValidPartial)
	}
	return string(r.Verdict)
}

// judge verifies the archive. What is wrong with it is in the report; an error is ours.
func (in *Intake) judge(ctx context.Context, id string, u *upload) (report *packager.Report, err error) {
	log := make([]byte, u.files[protocol.FileLog].size)
	if _, err := in.reader(ctx, u.files[protocol.FileLog]).ReadAt(log, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	_, trust, err := in.o.Trust(id)
	if err != nil {
		return nil, err
	}
	f := u.files[protocol.FileArchive]
	defer func() {
		if p := recover(); p != nil {
			err = nil
			report = &packager.Report{Verdict: packager.Invalid, Exit: packager.Invalid.ExitCode(), Findings: []string{fmt.Sprintf("the verification broke off: %.200v", p)}, Collection: u.collection}
		}
	}()
	limited, cancel := context.WithTimeout(ctx, in.budget(f.size))
	defer cancel()
	report, err = packager.Verify(limited, in.reader(limited, f), f.size, packager.VerifyOptions{Log: log, Trust: trust})
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		in.o.Log.Warn("archive not verified", "collection", u.collection, "budget", in.budget(f.size).String())
		return notVerified(u.collection, f.size, in.budget(f.size)), nil
	}
	if err == nil && report.Collection != "" && report.Collection != u.collection {
		report.Findings = append(report.Findings, "the archive is of the collection "+report.Collection)
		report.Verdict = packager.Invalid
		report.Exit = report.Verdict.ExitCode()
	}
	return report, err
}

// NotVerifiedCode is the place of protocol.NotVerified in Verdicts.
const NotVerifiedCode = 9

// What a verification may take: a file of a few bytes may be made to unpack for hours.
const (
	budgetBase = 15 * time.Minute
	budgetRate = 4 << 20 // and bytes of the file a second
)

// budget is how long the verification of a file of size bytes may take.
func (in *Intake) budget(size int64) time.Duration {
	base := in.o.Budget
	if base <= 0 {
		base = budgetBase
	}
	return base + time.Duration(size/budgetRate)*time.Second
}

func notVerified(collection string, size int64, budget time.Duration) *packager.Report {
	return &packager.Report{
		Verdict: protocol.NotVerified, Exit: packager.Verdict(protocol.NotVerified).ExitCode(), Collection: collection, Bytes: size, Notes: []string{},
		Findings: []string{fmt.Sprintf("the verification was not finished within %s, and was broken off: verify the archive elsewhere", budget)},
	}
}

// store brings both files to where they stay.
func (in *Intake) store(ctx context.Context, u *upload, rec *Record) (where string, err error) {
	if err := in.room(u.bytes()); err != nil {
		return "", err
	}
	for _, name := range []string{protocol.FileLog, protocol.FileArchive} {
		said := rec.whole(name)
		f := deliver.File{Name: said.Name, ReaderAt: in.reader(ctx, u.files[name]), Size: said.Bytes, SHA256: said.SHA256}
		where, err = in.o.Store.Keep(ctx, rec.Device, f)
		if errors.Is(err, deliver.ErrDiffers) {
			// Another file of that name is kept already and stays; this one is kept beside it.
			f.Name = said.SHA256[:16] + "_" + said.Name
			where, err = in.o.Store.Keep(ctx, rec.Device, f)
		}
		if err != nil {
			return "", err
		}
		rec.setKept(name, f.Name)
	}
	return where, nil
}

// keepReport keeps the report of the verification; a very long one without its lists.
func (in *Intake) keepReport(ctx context.Context, key string, r *packager.Report) error {
	b, err := json.Marshal(r)
	if err == nil && len(b) > maxReport {
		short := *r
		short.Events = nil
		short.Findings, short.Notes = short.Findings[:min(len(short.Findings), 50)], short.Notes[:min(len(short.Notes), 50)]
		if b, err = json.Marshal(short); len(b) > maxReport {
			return nil
		}
	}
	if err != nil {
		return err
	}
	return broker.Again(ctx, func(ctx context.Context, _ int) error {
		_, err := in.reports.Put(ctx, key, b)
		return err
	})
}

// publish tells the endpoint, and keeps the receipt in the stream of receipts.
func (in *Intake) publish(ctx context.Context, id string, rec Record) error {
	b, err := protocol.Encode(rec.Receipt)
	if err != nil {
		return err
	}
	return broker.Again(ctx, func(ctx context.Context, _ int) error {
		_, err := in.o.JS.Publish(ctx, protocol.ReceiptSubject+id, b, jetstream.WithMsgID(id+"."+rec.Commit.Collection))
		return err
	})
}

// forget removes the parts, whose files are kept or were wrong.
func (in *Intake) forget(ctx context.Context, u *upload, kept bool) error {
	for _, f := range u.files {
		err := broker.Again(ctx, func(ctx context.Context, _ int) error {
			return in.parts.Purge(ctx, jetstream.WithPurgeSubject(f.subject))
		})
		if err != nil {
			return err
		}
	}
	in.gave(u, kept)
	return nil
}
