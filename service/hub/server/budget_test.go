package server

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"hozen/packager/signed"
	"hozen/service/protocol"
)

// A file whose verification takes too long is kept, and its receipt says that nobody
// knows what is in it.
func TestVerificationHasABudget(t *testing.T) {
	h := start(t, func(o *Options) { o.budget = time.Nanosecond })
	d, state := device(t, h, "pc-1")
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir, commit := archive(t, d, 64<<10)
	r, err := send(ctx, c, dir, commit)
	if err != nil || r.Verdict != protocol.NotVerified || r.Findings == 0 {
		t.Errorf("%+v %v", r, err)
	}
	f, size, err := h.Open(ctx, "pc-1", commit.Collection, protocol.FileArchive)
	if err != nil || size != commit.Archive.Bytes || f.Close() != nil {
		t.Errorf("not kept: %v", err)
	}
}

// A file in parts of one byte each is refused before it costs memory.
func TestSmallPartsAreRefused(t *testing.T) {
	h := start(t)
	_, state := device(t, h, "pc-1")
	data := []byte("x")
	for i := 0; ; i++ {
		head := nats.Header{}
		head.Set(protocol.HeaderOffset, strconv.Itoa(i))
		head.Set(protocol.HeaderSHA256, signed.HexSum(data))
		a := h.intake.Part(t.Context(), id(t, state), "c-001", protocol.FileArchive, head, data)
		if i < 1024 && a.Error != "" || i > 1024 {
			t.Fatalf("part %d: %+v", i, a)
		}
		if a.Error != "" {
			if !strings.Contains(a.Error, "too small") || a.Offset != 1024 {
				t.Errorf("%+v", a)
			}
			return
		}
	}
}
