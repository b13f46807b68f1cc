package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/service/hub/broker"
	"hozen/service/protocol"
)

// Subjects below kept are written by the hub alone: no endpoint or operator may publish
// there, so that nothing is stored that the hub has not looked at.
const (
	kept         = "hozen.kept."
	keptSent     = kept + "sent."     // JOB
	keptJob      = kept + "job."      // E
	keptStatus   = kept + "status."   // E.JOB
	keptProgress = kept + "progress." // E.JOB
	keptSafe     = kept + "safe."     // E.JOB: the newest that says whether it may be switched off
)

const (
	maxLines    = 10_000   // audit lines of one endpoint about one job, or about none; the newest stay
	maxProgress = 64 << 20 // bytes of all progress, in memory
)

// streams are the hub's streams, but for those of the intake.
type streams struct {
	jobs, sent, status, progress, safe, receipts jetstream.Stream
	created                                      string // of the stream of jobs
}

// openStreams makes what is not there. Jobs, what was sent, and receipts are never deleted.
func openStreams(ctx context.Context, js jetstream.JetStream, replicas int) (*streams, error) {
	var s streams
	for _, one := range []struct {
		to     *jetstream.Stream
		config jetstream.StreamConfig
	}{
		{&s.jobs, jetstream.StreamConfig{Name: "HOZEN_JOBS", Subjects: []string{keptJob + "*"}, DenyDelete: true, DenyPurge: true, Duplicates: 10 * time.Minute}},
		{&s.sent, jetstream.StreamConfig{Name: "HOZEN_SENT", Subjects: []string{keptSent + "*"}, DenyDelete: true, DenyPurge: true, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true}},
		{&s.status, jetstream.StreamConfig{Name: "HOZEN_STATUS", Subjects: []string{keptStatus + "*.*"}, MaxMsgsPerSubject: maxLines}},
		{&s.progress, jetstream.StreamConfig{Name: "HOZEN_PROGRESS", Subjects: []string{keptProgress + "*.*"}, MaxMsgsPerSubject: 2, MaxBytes: maxProgress, Storage: jetstream.MemoryStorage}},
		{&s.safe, jetstream.StreamConfig{Name: "HOZEN_SAFE", Subjects: []string{keptSafe + "*.*"}, MaxMsgsPerSubject: 1}},
		{&s.receipts, jetstream.StreamConfig{Name: "HOZEN_RECEIPTS", Subjects: []string{protocol.ReceiptSubject + "*"}, DenyDelete: true, DenyPurge: true, Duplicates: time.Hour}},
	} {
		// Read directly, any replica answers, also one that has not heard of the newest yet.
		one.config.AllowDirect, one.config.Replicas = replicas == 1, replicas
		var err error
		*one.to, err = broker.Made(ctx, func(ctx context.Context) (jetstream.Stream, error) { return js.CreateOrUpdateStream(ctx, one.config) })
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", one.config.Name, err)
		}
	}
	s.created = s.jobs.CachedInfo().Created.UTC().Format(time.RFC3339Nano)
	return &s, nil
}

// hashOfCA is the SHA-256 of the first certificate in a PEM file.
func hashOfCA(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return "", fmt.Errorf("%s: no certificate in PEM", file)
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:]), nil
}
