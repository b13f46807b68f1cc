package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"hozen/collector"
	"hozen/packager/evidence"
)

// capability is one of the rights that a whole collection needs: a capability of Linux, a
// privilege of Windows.
type capability struct {
	Name string `json:"name"`
	For  string `json:"for"`
	Held bool   `json:"held"`
}

// A probe is something that a collection reads or calls, by which one sees whether it
// may, and whether this system has it.
type probe struct {
	collector, name string
	// expects says what a reader should see where everything is as it should be.
	expects string
	// try gives a word on what was seen, for a reader who knows what belongs there.
	try func(ctx context.Context, h *collector.Host) (seen string, err error)
}

// slowProbe is how long a probe may take.
const slowProbe = 20 * time.Second

// run tries the probe; one that gives no answer is left behind, one that panics is a
// failed one.
func (p probe) run(ctx context.Context, h *collector.Host) (seen string, err error) {
	type result struct {
		seen string
		err  error
	}
	ctx, cancel := context.WithTimeout(ctx, slowProbe)
	defer cancel()
	got := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("panic: %v", p)
			}
			got <- r
		}()
		r.seen, r.err = p.try(ctx, h)
	}()
	select {
	case r := <-got:
		return r.seen, r.err
	case <-ctx.Done():
		return "", fmt.Errorf("no answer in %s", slowProbe)
	}
}

// result runs the probe for doctor.
func (p probe) result(ctx context.Context, h *collector.Host) sourceResult {
	_, err := p.run(ctx, h)
	outcome, note, _ := evidence.Classify(err, 0)
	return sourceResult{p.collector, p.name, outcome.String(), escape(note)}
}

// readSome opens a file or directory, and reads a few bytes of a file.
func readSome(h *collector.Host, file string) (int, error) {
	f, err := h.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		return 0, err
	}
	n, err := f.Read(make([]byte, 8))
	if err == io.EOF {
		err = nil
	}
	return n, err
}
