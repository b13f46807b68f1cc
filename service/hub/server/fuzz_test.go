package server

import (
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"hozen/packager/signed"
	"hozen/service/protocol"
)

// FuzzMessages hands the hub what an enrolled endpoint, an operator and somebody with a
// token may send: nothing ends it, nothing reaches anybody else, and what is kept is
// bounded.
func FuzzMessages(f *testing.F) {
	h := start(f)
	_, stateA := device(f, h, "pc-a")
	_, stateB := device(f, h, "pc-b")
	a, b := id(f, stateA), id(f, stateB)
	envelope := envelope(f, "job-0001", "pc-a")
	kinds := []string{
		"api.E.jobs", "api.E.resume", "api.E.commit", "api.E.receipt", "api.E.nonsense", "hello.E", "progress.E",
		"status.E", "enrol.E", "part.E.pc-1-x.archive", "part.E.pc-1-x.log", "part.E.." + protocol.FileLog, "send", "status",
	}
	for _, seed := range []string{
		"", "{}", `{"after":18446744073709551615}`, `{"collection":"pc-1-x","file":"archive"}`, `{"collection":"pc-1-x"}`,
		`{"device":"pc-b","version":"1","host":"h","os":"linux","outbox":-1}`, `{"job":"job-0001","collection":"c","event":"{}"}`,
		`{"payload":"{\"event\":\"refused\",\"job\":\"job-0001\"}\n","sig":""}`, `{"payload":"","sig":""}`, string(envelope), `[[[[`, "null", "\xff\x00",
		`{"collection":"pc-1-x","job":"","archive":{"name":"pc-1-x.tar.zst","bytes":1,"sha256":"` + strings.Repeat("0", 64) + `"},"log":{"name":"pc-1-x.custody.jsonl","bytes":1,"sha256":"` + strings.Repeat("0", 64) + `"}}`,
	} {
		for kind := range kinds {
			f.Add(uint8(kind), []byte(seed), int64(0))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte, offset int64) {
		switch k := kinds[int(kind)%len(kinds)]; k {
		case "send":
			if answer, err := h.SendJob(t.Context(), data, "fuzz"); err == nil && len(answer.To) == 0 {
				t.Error("a job for nobody is taken")
			}
		case "status":
			h.statusOf(t.Context(), string(data))
		default:
			m := nats.NewMsg("hozen." + strings.Replace(k, "E", a, 1))
			m.Data = data
			m.Header.Set(protocol.HeaderOffset, strconv.FormatInt(offset, 10))
			m.Header.Set(protocol.HeaderSHA256, signed.HexSum(data))
			h.handle(a, m)
		}
		if got := h.jobsAfter(t.Context(), b, 0); len(got.Jobs) > 1 && got.Jobs[0].Envelope != string(envelope) {
			t.Errorf("another endpoint has jobs: %+v", got)
		}
		if n := h.intake.Stats().Uploads; n > h.o.Limits.Uploads {
			t.Errorf("%d uploads have begun", n)
		}
	})
}
