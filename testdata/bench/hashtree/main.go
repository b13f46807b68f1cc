// Hashtree hashes whole trees as `hozen collect --hash-tree` does, and prints the table:
// what testdata/bench/compare.sh sets beside find and sha256sum.
//
//	hashtree PATH...
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"

	"hozen/collector"
	"hozen/collector/disk/integrity"
	"hozen/packager/evidence"
)

func main() {
	out := &printer{w: bufio.NewWriter(os.Stdout)}
	c := integrity.HashTree(integrity.HashOptions{Paths: os.Args[1:]})
	if err := c.Collect(context.Background(), collector.ThisHost(), out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A printer is a sink that prints.
type printer struct{ w *bufio.Writer }

// Put implements evidence.Sink.
func (p *printer) Put(_ context.Context, _ evidence.Item, fill func(io.Writer) error) error {
	if err := fill(p.w); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return p.w.Flush()
}
