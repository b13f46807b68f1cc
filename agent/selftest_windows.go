package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"hozen/collector"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// selfTestProbes are what --self-test tries beside doctorProbes: the calls of Windows that
// no test of ours has seen a real Windows answer (the table in testdata/README.md has the
// same names). Each asks, reads, and judges the answer; nothing is started or written.
func selfTestProbes() []probe {
	return slices.Concat(socketProbes(), networkProbes(), sessionProbes(), kernelProbes(), processProbes(), memoryProbes(),
		registryProbes(), fileProbes(), volumeProbes(), persistenceProbes(), serviceProbes(), consoleProbes())
}

// asking makes a probe. Its name is a text in the source, for a test compares them with the table.
func asking(collectorName, name, expects string, try func(context.Context, *collector.Host) (string, error)) probe {
	return probe{collectorName, name, expects, try}
}

// kept is a Sink that keeps in memory what a collector gives.
type kept struct {
	run  func() collector.Collector
	once sync.Once
	err  error

	mu    sync.Mutex
	items map[string]keptItem
}

type keptItem struct {
	body []byte
	err  error
}

// keptItemMax bounds one item.
const keptItemMax = 32 << 20

// Put implements evidence.Sink.
func (k *kept) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	if ctx.Err() != nil {
		return nil // its absence is told by who asks for it
	}
	var b bytes.Buffer
	err := filled(&b, fill)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.items[item.Path] = keptItem{b.Bytes(), err}
	return nil
}

func filled(b *bytes.Buffer, fill func(io.Writer) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fill(&bounded{b})
}

type bounded struct{ *bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > keptItemMax {
		return 0, evidence.Cut("more than %d bytes", keptItemMax)
	}
	return b.Buffer.Write(p)
}

// keeping is for the probes of one collector, which runs once for them all.
func keeping(run func() collector.Collector) *kept {
	return &kept{run: run, items: map[string]keptItem{}}
}

// item gives what the collector put under a path.
func (k *kept) item(ctx context.Context, h *collector.Host, path string) ([]byte, error) {
	k.once.Do(func() { k.err = k.run().Collect(ctx, h, k) })
	k.mu.Lock()
	defer k.mu.Unlock()
	i, ok := k.items[path]
	if !ok {
		return nil, fault.Join(fmt.Errorf("the collector gave no %s", path), k.err)
	}
	return i.body, i.err
}

// answer is a probe's try: the answer of one call, raw, has at least so many bytes.
func (k *kept) answer(path string, least int) func(context.Context, *collector.Host) (string, error) {
	return func(ctx context.Context, h *collector.Host) (string, error) {
		b, err := k.item(ctx, h, path)
		if err == nil && len(b) < least {
			err = fmt.Errorf("%d bytes, not the %d that the least answer has", len(b), least)
		}
		return fmt.Sprintf("%d bytes", len(b)), err
	}
}

// rowsOf gives the rows of a table that can be one of a type: a table has several kinds.
// What was written before an error is given with it.
func rowsOf[T any](ctx context.Context, h *collector.Host, k *kept, path string) (all []T, err error) {
	b, err := k.item(ctx, h, path)
	for line := range bytes.Lines(b) {
		var row T
		if json.Unmarshal(line, &row) == nil {
			all = append(all, row)
		}
	}
	return all, err
}

// some is a probe's try: raw is the answer, in whose table some row must be as wanted; seen
// says how a reader is shown it.
func some[T any](k *kept, raw, table string, want func(T) bool, show func(T) string) func(context.Context, *collector.Host) (string, error) {
	return func(ctx context.Context, h *collector.Host) (string, error) {
		_, refused := k.item(ctx, h, raw)
		rows, err := rowsOf[T](ctx, h, k, table)
		for _, r := range rows {
			if want(r) {
				return fmt.Sprintf("%s (of %d rows)", show(r), len(rows)), nil
			}
		}
		if refused != nil {
			return fmt.Sprintf("%d rows", len(rows)), refused
		}
		return fmt.Sprintf("%d rows", len(rows)), fault.Join(err, errors.New("none of the rows is the expected one"))
	}
}
