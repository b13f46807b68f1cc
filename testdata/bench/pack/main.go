// Command pack drives the archive writer alone, without a collector, and makes
// the input that it is measured on.
//
//	pack mix -mib 1536 DIR          make a mixed tree
//	pack write -out OUT DIR         put each file of a tree into an archive
//	pack made -mib 8192 -out OUT    put made-up items, for memory at sizes that no disk need hold
//	pack machine -mib 2048 DIR      make the files by which a kernel shows its memory, as those of a
//	                                working machine: for measuring on one that shows none
//	pack ram -out OUT DIR           take that memory as collect --ram does
//	pack files -count 300000 DIR    make a tree of that many empty files
//	pack take -out OUT DIR          take a tree whole as the collector disk does
//	pack walk -out OUT DIR          list every object below DIR as the collectors timeline and notable do
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: pack mix | write | made | machine | ram | files | walk | take")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	mib := flags.Int64("mib", 64, "MiB to make")
	count := flags.Int("count", 1000, "files to make")
	out := flags.String("out", ".", "directory of the archive")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "mix":
		return mix(flags.Arg(0), *mib<<20)
	case "write":
		return archive(*out, func(w evidence.Sink) error { return putTree(w, flags.Arg(0)) })
	case "machine":
		return machine(flags.Arg(0), *mib<<20)
	case "ram":
		return archive(*out, func(w evidence.Sink) error { return putRAM(w, flags.Arg(0)) })
	case "files":
		return manyFiles(flags.Arg(0), *count)
	case "walk":
		return archive(*out, func(w evidence.Sink) error { return putWalk(w, flags.Arg(0)) })
	case "take":
		return archive(*out, func(w evidence.Sink) error { return putDisk(w, flags.Arg(0)) })
	case "made":
		return archive(*out, func(w evidence.Sink) error { return putMade(w, *mib<<20) })
	}
	return fmt.Errorf("no command %q", args[0])
}

// archive makes one sealed archive with a key of its own and prints its name.
func archive(dir string, fill func(evidence.Sink) error) error {
	device, err := packager.NewDevice("bench", nil)
	if err != nil {
		return err
	}
	id, err := packager.NewID("bench", time.Now())
	if err != nil {
		return err
	}
	w, err := packager.Create(packager.Options{ID: id, Disk: packager.Dir(dir), Device: device})
	if err != nil {
		return err
	}
	if err := fill(w); err != nil {
		w.Abort()
		return err
	}
	if _, err := w.Seal(""); err != nil {
		return err
	}
	_, err = fmt.Println(filepath.Join(dir, packager.ArchiveName(id)))
	return err
}

// put hands one item to the archive.
func put(w evidence.Sink, path, source string, size int64, fill filler) error {
	item := evidence.Item{Path: path, Source: source, Collector: "bench"}
	if size >= 0 {
		item.File = &evidence.FileMeta{Mode: evidence.ModeRegular | 0o644, Size: size}
	}
	return w.Put(context.Background(), item, fill)
}
