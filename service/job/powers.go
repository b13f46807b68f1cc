package job

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"time"

	"hozen/packager/evidence/sorting"
	"hozen/packager/signed"
)

// A Power is what a job makes use of. An endpoint says of each how many people must sign.
type Power string

// The powers.
const (
	PowerCollect Power = "collect" // take evidence
	PowerRAM     Power = "ram"     // physical memory, swap areas
	PowerMemory  Power = "memory"  // memory of processes: dumps, a search in it, everything
	PowerIsolate Power = "isolate" // cut the network, or release it
	PowerCancel  Power = "cancel"  // stop a collection
)

// AllPowers lists the powers.
func AllPowers() []Power {
	return []Power{PowerCollect, PowerRAM, PowerMemory, PowerIsolate, PowerCancel}
}

// DefaultSigners says how many people must sign for a power where the configuration does
// not say otherwise.
func DefaultSigners(p Power) int {
	if p == PowerCollect || p == PowerCancel {
		return 1
	}
	return 2
}

// Powers are what a job makes use of, in the order of AllPowers. A collector of RAM that
// is named takes it without the flag, too; so does the profile full.
func Powers(j Job) (out []Power) {
	p := j.Params
	full := j.Profile.Name == "full"
	for power, used := range map[Power]bool{
		PowerCollect: j.Action == Collect,
		PowerRAM:     j.Action == Collect && (p.RAM || p.Swap || full || slices.Contains(p.Only, "ram")),
		PowerMemory:  j.Action == Collect && (len(p.Dump) > 0 || p.IOCMemory || full),
		PowerIsolate: j.Action == Isolate || j.Action == Rejoin || p.IsolateS > 0,
		PowerCancel:  j.Action == Cancel,
	} {
		if used {
			out = append(out, power)
		}
	}
	order := AllPowers()
	sorting.By(out, func(a, b Power) int { return slices.Index(order, a) - slices.Index(order, b) })
	return out
}

// GroupDigest is the SHA-256 in hex of a group's members, sorted by their bytes, each once
// and with a newline: what `LC_ALL=C sort -u FILE | sha256sum` prints of a file of them.
func GroupDigest(members []string) string {
	sorted := slices.Clone(members)
	slices.Sort(sorted)
	var b strings.Builder
	for _, m := range slices.Compact(sorted) {
		b.WriteString(m + "\n")
	}
	return signed.HexSum([]byte(b.String()))
}

// NewID makes the id of a job: its time for people, and 32 random bits. random nil is the
// system's source.
func NewID(now time.Time, random io.Reader) (string, error) {
	b, err := randomHex(4, random)
	return "job-" + now.UTC().Format("20060102-150405") + "-" + b, err
}

// NewNonce makes the nonce of a job.
func NewNonce(random io.Reader) (string, error) { return randomHex(16, random) }

func randomHex(n int, random io.Reader) (string, error) {
	if random == nil {
		random = rand.Reader
	}
	b := make([]byte, n)
	_, err := io.ReadFull(random, b)
	return hex.EncodeToString(b), err
}
