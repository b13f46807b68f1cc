package main

import (
	"context"
	"fmt"
	"io"

	"hozen/collector"
	"hozen/collector/added"
	"hozen/collector/packet/flow"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// addedCollector takes what the responder brings. Of a capture of packets the same
// tables are made as of our own.
func addedCollector(files []string) collector.Collector {
	return added.Added(files, added.Options{Captures: tablesOf})
}

// tablesOf makes the tables of a capture that was brought, and puts them below
// added/<n>/. What is wrong with the file is told in a record of its own.
func tablesOf(ctx context.Context, n int, name string, open func() (io.ReadCloser, error), to evidence.Sink) error {
	tables := flow.New(flow.Options{})
	prefix := fmt.Sprintf("added/%d/", n)
	readErr := readCapture(ctx, open, tables)
	if err := tables.Put(ctx, to, prefix); err != nil {
		return err
	}
	if readErr == nil {
		return nil
	}
	item := evidence.Item{Path: prefix + "capture", Source: name}
	return to.Put(ctx, item, func(io.Writer) error { return readErr })
}

func readCapture(ctx context.Context, open func() (io.ReadCloser, error), tables *flow.Tables) error {
	f, err := open()
	if err != nil {
		return err
	}
	return fault.Join(flow.ReadFile(ctx, f, tables), f.Close())
}
