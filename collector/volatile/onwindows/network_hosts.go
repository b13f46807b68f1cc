package onwindows

import (
	"context"
	"io"
	"net/netip"
	"strings"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// A HostEntryRow is a line of the hosts file: kind "host_entry". The words are those of
// Linux's row.
type HostEntryRow struct {
	Kind    string       `json:"kind"`
	File    jsonl.Text   `json:"file"`
	Line    int          `json:"line"`
	Address jsonl.Text   `json:"address"`
	Valid   bool         `json:"valid"` // Address is one
	Names   []jsonl.Text `json:"names"`
}

// maxHosts bounds the hosts file; lists of a million blocked names are met.
const maxHosts = 64 << 20

// putHosts takes the hosts file where it usually is; DataBasePath in settings.jsonl tells
// of another place.
func putHosts(j *job) error {
	const name, shown = "/C:/Windows/System32/drivers/etc/hosts", `C:\Windows\System32\drivers\etc\hosts`
	item := evidence.Item{Path: "volatile/network/hosts", Source: shown}
	got := make(chan string, 1)
	err := j.to.Put(j.ctx, item, func(w io.Writer) error {
		if j.ctx.Err() != nil {
			return context.Cause(j.ctx)
		}
		var body strings.Builder
		err := j.h.Copy(io.MultiWriter(w, &body), name, maxHosts)
		got <- body.String()
		return err
	})
	if err != nil {
		return err
	}
	return j.to.Put(j.ctx, evidence.Item{Path: "volatile/network/hosts.jsonl", Source: shown}, func(w io.Writer) error {
		var body string
		select {
		case body = <-got:
		default:
			return evidence.Cut("%s was not read", shown)
		}
		t := jsonl.NewWriter(w)
		for _, r := range hostEntries(body, shown) {
			if err := t.Row(&r); err != nil {
				return err
			}
		}
		return t.Flush()
	})
}

// hostEntries reads the lines: an address, names, and a comment from # on.
func hostEntries(text, file string) (out []HostEntryRow) {
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		_, err := netip.ParseAddr(f[0])
		out = append(out, HostEntryRow{"host_entry", jsonl.Text(file), n, jsonl.Text(f[0]), err == nil, jsonl.Texts(f[1:])})
	}
	return out
}
