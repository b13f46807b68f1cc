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

// One endpoint cannot fill the disk: with half of it as its share, it may hold as much as
// is left. Nor can it begin collections without end, or send what is damaged.
func TestLimitsOfAnEndpoint(t *testing.T) {
	const free = 1 << 20
	h := start(t, func(o *Options) {
		o.Reserve, o.free = 1, func() (int64, error) { return free, nil }
		o.Limits = Limits{Share: 0.5, Uploads: 3}
	})
	_, state := device(t, h, "pc-1")
	who := id(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	part := func(collection string, offset int, data []byte, sum string) protocol.Ack {
		head := nats.Header{}
		head.Set(protocol.HeaderOffset, strconv.Itoa(offset))
		head.Set(protocol.HeaderSHA256, sum)
		return h.intake.Part(ctx, who, collection, protocol.FileArchive, head, data)
	}
	data := make([]byte, 400<<10)
	sum := signed.HexSum(data)
	if a := part("c-001", 0, data, strings.Repeat("0", 64)); a.Error == "" || a.Offset != 0 {
		t.Errorf("a damaged part: %+v", a)
	}
	if a := part("c-001", 5, data, sum); a.Error == "" || a.Offset != 0 {
		t.Errorf("a part with a gap before it: %+v", a)
	}
	if a := part("c-001", 0, data, sum); a.Error != "" || a.Offset != int64(len(data)) {
		t.Fatalf("a part: %+v", a)
	}
	if a := part("c-001", 0, data, sum); a.Error != "" || a.Offset != int64(len(data)) {
		t.Errorf("the same part again: %+v", a)
	}
	if a := part("c-002", 0, data, sum); a.Error != "" {
		t.Errorf("a second collection: %+v", a)
	}
	if a := part("c-003", 0, data, sum); !strings.Contains(a.Error, "share") || a.Wait == 0 {
		t.Errorf("over its share: %+v", a)
	}
	if a := part("c-004", 0, data, sum); !strings.Contains(a.Error, "no receipt yet") {
		t.Errorf("one collection too many: %+v", a)
	}
	if got := h.intake.Resume(ctx, who, protocol.ResumeRequest{Collection: "c-001", File: protocol.FileArchive}); got.Offset != int64(len(data)) {
		t.Errorf("%+v", got)
	}
	if got := h.intake.Resume(ctx, "UOTHER", protocol.ResumeRequest{Collection: "c-001", File: protocol.FileArchive}); got.Offset != 0 {
		t.Errorf("another endpoint sees it: %+v", got)
	}
	w := func(name string) protocol.Whole { return protocol.Whole{Name: name, Bytes: 1, SHA256: sum} }
	if a := h.intake.Commit(ctx, who, protocol.CommitRequest{Collection: "c-001", Archive: w("c-001.tar.zst"), Log: w("c-001.custody.jsonl")}); a.Error == "" {
		t.Error("a collection that is not whole is committed")
	}
	if a := h.intake.Commit(ctx, who, protocol.CommitRequest{Collection: "c-001", Archive: w("../x.tar.zst"), Log: w("c-001.custody.jsonl")}); a.Error == "" {
		t.Error("a path is taken for a name")
	}
}
