// Command ram measures the taking of RAM on a machine of which no memory can be
// read: it makes the files by which a kernel shows its memory, with contents like
// those of a working machine, and has the collector take them into an archive.
//
//	ram make -mib 2048 DIR     make DIR/proc/kcore and what belongs to it
//	ram take -out OUT DIR      take it, sealed, as collect --ram does
//
// compare.sh runs it beside dd, which copies the same file to the same place.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"hozen/collector"
	"hozen/collector/memory/ram"
	"hozen/packager"
	"hozen/packager/evidence"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ram:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: ram make | take")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	mib := flags.Int64("mib", 2048, "MiB of memory")
	out := flags.String("out", ".", "directory of the archive")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "make":
		return machine(flags.Arg(0), *mib<<20)
	case "take":
		return take(*out, flags.Arg(0))
	}
	return fmt.Errorf("no command %q", args[0])
}

// take runs the collector on the made machine, as the agent would.
func take(out, dir string) error {
	device, err := packager.NewDevice("bench", nil)
	if err != nil {
		return err
	}
	id, err := packager.NewID("bench", time.Now())
	if err != nil {
		return err
	}
	w, err := packager.Create(packager.Options{ID: id, Disk: packager.Dir(out), Device: device, Observe: func(r evidence.Record) {
		if r.Path == "memory/ram.lime" {
			fmt.Printf("%s %s: %d bytes\n", r.Path, r.Outcome, r.Size)
		}
	}})
	if err != nil {
		return err
	}
	c := ram.RAM(ram.Options{})
	h := &collector.Host{Root: dir, Live: true, Elevated: true}
	err = w.Blackout(context.Background(), func() error { return c.Collect(context.Background(), h, w) })
	if err != nil {
		return err
	}
	_, err = w.Seal("")
	return err
}
