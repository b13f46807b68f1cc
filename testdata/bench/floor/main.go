//go:build linux

// Command floor is the least that a program can do which reads the same kernel
// files as a collection: it reads them and throws the bytes away. What a
// collection costs beyond it is the price of parsing, hashing, compressing,
// signing and writing.
//
// Which files those are is measured, not guessed: derive makes a list from an
// strace of a real collection, run replays it.
//
//	strace -f -y --seccomp-bpf -o TRACE -e trace=openat,openat2,readlinkat,readlink,statx,newfstatat,setns,syslog hozen collect …
//	floor derive TRACE OUTDIR >LIST
//	floor run [-workers 2] LIST
//
// It is as lean as a fair reader can be. It lists nothing that it does not need
// to, since it knows every name; it allocates nothing per file, since a list
// is a map of NUL-terminated operations; it uses one goroutine per core when
// the collection does. A file of the host (an executable that is hashed) is on
// the list once per inode, as a collection reads it once.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "derive":
		f, err := os.Open(args[1])
		if err != nil {
			return err
		}
		defer f.Close()
		out := bufio.NewWriter(os.Stdout)
		if err := derive(f, args[2], out); err != nil {
			return err
		}
		return out.Flush()
	case len(args) > 1 && args[0] == "run":
		flags := flag.NewFlagSet("run", flag.ExitOnError)
		workers := flags.Int("workers", 2, "goroutines that share the list")
		flags.Parse(args[1:])
		t, err := run(flags.Arg(0), *workers)
		if err == nil {
			fmt.Printf("%d files, %d links, %d stats, %d directories, %d namespaces, %d bytes, %d not there\n",
				t.files, t.links, t.stats, t.dirs, t.spaces, t.bytes, t.missing)
		}
		return err
	}
	return fmt.Errorf("usage: floor derive TRACE OUTDIR | floor run [-workers N] LIST")
}
