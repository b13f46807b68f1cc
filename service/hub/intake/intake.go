package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/time/rate"

	"hozen/packager"
	"hozen/service/hub/broker"
	"hozen/service/hub/store"
	"hozen/service/protocol"
)

// Names in JetStream.
const (
	Stream  = "HOZEN_PARTS"
	Records = "HOZEN_ARCHIVES" // bucket: E.C → what became of a collection
	Reports = "HOZEN_REPORTS"  // bucket: E.C → the report of its verification, JSON
)

const (
	maxFile   = 1 << 50  // bytes of an archive: no part may say that it is behind that
	maxLog    = 64 << 20 // bytes of a custody log, which is verified in memory
	activeFor = 15 * time.Second
	commits   = 100         // commits of one endpoint in a row,
	commitGap = time.Minute // then one in so much time
)

// Options are what an Intake needs.
type Options struct {
	JS       jetstream.JetStream
	Replicas int
	Store    store.Store
	// Trust is whom the hub believes about the archives of an endpoint, and its device name.
	Trust func(id string) (device string, t *packager.Trust, err error)
	// Sign signs a receipt; it fills in Hub and Key.
	Sign func(protocol.Receipt) (protocol.SignedReceipt, error)
	// Tell is told of each receipt. It must be quick.
	Tell func(id string, r protocol.Receipt, s protocol.SignedReceipt)

	Transit int64                 // bytes of one endpoint without a receipt
	Uploads int                   // collections of one endpoint without a receipt
	Active  int                   // uploads of all that go on at the same time
	Reserve int64                 // bytes that stay free
	Share   float64               // of the disk that one endpoint may fill; 0 or 1: all
	Local   bool                  // whether the store is on that disk, too
	Free    func() (int64, error) // bytes of the disk of the store; nil: not known
	Workers int                   // verifications at the same time; 0: one for each processor
	Budget  time.Duration         // that the verification of a small file may take; 0: 15 minutes
	Log     *slog.Logger
	Now     func() time.Time
}

// An Intake takes archives in. Its methods may be called concurrently.
type Intake struct {
	o       Options
	parts   jetstream.Stream
	records jetstream.KeyValue
	reports jetstream.KeyValue

	mu      sync.Mutex
	uploads map[string]*upload
	transit map[string]int64     // bytes by endpoint
	stored  map[string]int64     // bytes by endpoint that are kept for good on our disk
	active  map[string]time.Time // uploads by their last admission
	paced   map[string]*rate.Limiter

	queue    *queue
	workers  sync.WaitGroup
	Verdicts [16]atomic.Uint64 // by exit code
	Parts    atomic.Uint64     // parts that were stored
	Bytes    atomic.Uint64     // their bytes
}

// States of a record.
const (
	committed = "committed" // both files are here whole; verification is due
	receipted = "receipted" // the receipt is made: final
	wrong     = "wrong"     // the bytes were not what the commit said: to be sent again
)

// A Record is what became of a collection.
type Record struct {
	State    string                 `json:"state"`
	Device   string                 `json:"device"`
	Commit   protocol.CommitRequest `json:"commit"`
	Receipt  protocol.SignedReceipt `json:"receipt"`
	Error    string                 `json:"error"`
	Time     string                 `json:"time"`
	Upto     uint64                 `json:"upto"` // of a wrong one: the last part that is of no use
	KeptAs   [2]string              `json:"kept"` // names in the store, of archive and log
	Revision uint64                 `json:"-"`
}

func (r *Record) setKept(file, name string) {
	if file == protocol.FileLog {
		r.KeptAs[1] = name
		return
	}
	r.KeptAs[0] = name
}

func (r Record) whole(file string) protocol.Whole {
	if file == protocol.FileLog {
		return r.Commit.Log
	}
	return r.Commit.Archive
}

// Open makes the intake and finds out what has arrived; Start begins to work on it. The
// caller ends it with Close.
func Open(ctx context.Context, o Options) (*Intake, error) {
	in := &Intake{o: o, uploads: map[string]*upload{}, transit: map[string]int64{}, stored: map[string]int64{}, active: map[string]time.Time{}, paced: map[string]*rate.Limiter{}, queue: newQueue()}
	var err error
	config := jetstream.StreamConfig{
		Name: Stream, Subjects: []string{keptPart + "*.*.*"}, AllowDirect: true, Replicas: o.Replicas,
		Discard: jetstream.DiscardNew, Duplicates: 100 * time.Millisecond,
	}
	in.parts, err = broker.Made(ctx, func(ctx context.Context) (jetstream.Stream, error) { return o.JS.CreateOrUpdateStream(ctx, config) })
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", Stream, err)
	}
	for bucket, to := range map[string]*jetstream.KeyValue{Records: &in.records, Reports: &in.reports} {
		if *to, err = o.bucket(ctx, bucket); err != nil {
			return nil, fmt.Errorf("bucket %s: %w", bucket, err)
		}
	}
	if err := in.load(ctx); err != nil {
		return nil, err
	}
	if o.Local {
		if err := in.countStored(ctx); err != nil {
			return nil, err
		}
	}
	for key, u := range in.uploads {
		in.transit[u.id] += u.bytes()
		rec, _, err := in.record(ctx, u.id, u.collection)
		if err != nil {
			return nil, err
		}
		switch {
		case rec.State == wrong && u.last() <= rec.Upto:
			if err := in.forget(ctx, u, false); err != nil {
				return nil, err
			}
		case rec.State == committed, rec.State == receipted:
			in.queue.put(key)
		}
	}
	return in, nil
}

// Start starts the workers, which end with ctx.
func (in *Intake) Start(ctx context.Context) {
	n := in.o.Workers
	if n <= 0 {
		n = min(runtime.GOMAXPROCS(0), 4)
	}
	for range n {
		in.workers.Go(func() { in.work(ctx) })
	}
}

// Close waits for the workers, whose context has ended.
func (in *Intake) Close() {
	in.queue.close()
	in.workers.Wait()
}

// record reads what became of a collection; the zero Record if nothing.
func (in *Intake) record(ctx context.Context, id, collection string) (Record, bool, error) {
	var e jetstream.KeyValueEntry
	err := broker.Again(ctx, func(ctx context.Context, _ int) (err error) {
		e, err = in.records.Get(ctx, id+"."+collection)
		return err
	})
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Record{}, false, nil
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("record of %s: %w", collection, err)
	}
	var r Record
	if err := json.Unmarshal(e.Value(), &r); err != nil {
		return r, false, fmt.Errorf("record of %s: %w", collection, err)
	}
	r.Revision = e.Revision()
	return r, true, nil
}

// keep writes a record, if nobody has changed it in between.
func (in *Intake) keep(ctx context.Context, id string, r *Record) error {
	r.Time = in.o.Now().UTC().Format(time.RFC3339)
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var revision uint64
	key := id + "." + r.Commit.Collection
	err = broker.Again(ctx, func(ctx context.Context, n int) (err error) {
		if n > 1 { // it may be written, and only the answer lost
			e, err := in.records.Get(ctx, key)
			if err == nil && bytes.Equal(e.Value(), b) {
				revision = e.Revision()
				return nil
			}
			if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
				return err
			}
		}
		revision, err = in.records.Update(ctx, key, b, r.Revision)
		return err
	})
	if err != nil {
		return fmt.Errorf("record of %s: %w", r.Commit.Collection, err)
	}
	r.Revision = revision
	return nil
}

// known gives an upload that has begun; nil if there is none.
func (in *Intake) known(id, collection string) *upload {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.uploads[id+"."+collection]
}

// upload gives an upload, a new one if it may begin. The record says whether it is
// committed or done.
func (in *Intake) upload(ctx context.Context, id, collection string) (*upload, Record, error) {
	if u := in.known(id, collection); u != nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		if !u.committed {
			return u, Record{}, nil
		}
	}
	rec, _, err := in.record(ctx, id, collection)
	if err != nil || rec.State == receipted || rec.State == committed {
		return nil, rec, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	key := id + "." + collection
	if in.uploads[key] == nil {
		n := 0
		for _, u := range in.uploads {
			if u.id == id {
				n++
			}
		}
		if n >= in.o.Uploads {
			return nil, rec, fmt.Errorf("%d collections of this endpoint have no receipt yet", n)
		}
		in.uploads[key] = newUpload(id, collection)
	}
	return in.uploads[key], rec, nil
}

func (in *Intake) took(id string, n int64) {
	in.Parts.Add(1)
	in.Bytes.Add(uint64(n))
	in.mu.Lock()
	defer in.mu.Unlock()
	in.transit[id] += n
}

// gave takes an upload out of what is on its way; kept says that it is stored.
func (in *Intake) gave(u *upload, kept bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if kept && in.o.Local {
		in.stored[u.id] += u.bytes()
	}
	if in.transit[u.id] -= u.bytes(); in.transit[u.id] <= 0 {
		delete(in.transit, u.id)
	}
	delete(in.uploads, u.key())
	delete(in.active, u.key())
}

// Stats is how much is on its way.
type Stats struct {
	Uploads, Waiting int
	Bytes            int64
}

// Stats counts what has no receipt yet.
func (in *Intake) Stats() (s Stats) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, n := range in.transit {
		s.Bytes += n
	}
	s.Uploads, s.Waiting = len(in.uploads), in.queue.len()
	return s
}
