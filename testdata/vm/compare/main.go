// Command compare holds an image of memory, in the format of LiME, against what
// QEMU says of the same memory: what was saved of it before the image was taken
// and after. Every page of the image falls into one class:
//
//	same     as it was after
//	before   as it was before: it was read, and written later
//	written  neither, and it was not the same before and after: it was written meanwhile
//	listed   the map says that it could not or must not be read, and it is zeros
//	passing  neither, though it was the same before and after: written, and written back
//	         (locks and counters; memory that was taken, given back and zeroed again)
//	wrong    like passing, but it is zeros, or what another address had in place of
//	         something: it was not read, or read from the wrong place. A few pages can
//	         be such a copy and be right: each passes through the agent's own memory
//
//	compare -truth DIR -iomem FILE -map FILE [-key FILE] [-same 90] [-passing 2] [-wrong 16] MEMBER...
//
// DIR holds before.ADDRESS and after.ADDRESS; the members are the image, in order.
// It prints what it found, and ends with 1 if fewer than -same percent of the pages
// are "same", more than -passing percent "passing" or more than -wrong "wrong"; if
// the ranges of the image are not those that /proc/iomem calls System RAM, or not
// those of the map; or if the private key is in the image.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

type options struct {
	truth, iomem, table, key string
	same, passing            float64
	wrong                    int
	members                  []string
}

func main() {
	var o options
	flag.StringVar(&o.truth, "truth", "", "`folder` of before.ADDRESS and after.ADDRESS")
	flag.StringVar(&o.iomem, "iomem", "", "/proc/iomem of the machine")
	flag.StringVar(&o.table, "map", "", "ram.map.jsonl")
	flag.StringVar(&o.key, "key", "", "private key (OpenSSH, Ed25519) that must not be in the image")
	flag.Float64Var(&o.same, "same", 90, "least share of pages that are the same, in percent")
	flag.Float64Var(&o.passing, "passing", 2, "greatest share of pages that were written back, in percent")
	flag.IntVar(&o.wrong, "wrong", 16, "most pages that may be wrong")
	flag.Parse()
	o.members = flag.Args()
	bad, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
	for _, b := range bad {
		fmt.Println("WRONG", b)
	}
	if len(bad) > 0 {
		os.Exit(1)
	}
}

// run prints what it finds and gives what is wrong with it.
func run(o options) (bad []string, err error) {
	image, err := openImage(o.members)
	if err != nil {
		return nil, err
	}
	want, err := systemRAM(o.iomem)
	if err != nil {
		return nil, err
	}
	fmt.Println("image:", listed(image.ranges))
	if listed(image.ranges) != listed(want) {
		bad = append(bad, "/proc/iomem has "+listed(want))
	}
	in, zeroed, err := readMap(o.table)
	if err != nil {
		return nil, err
	}
	if got := listed(joined(in)); got != listed(want) {
		bad = append(bad, "the map has "+got)
	}
	t, err := judge(image, o.truth, zeroed)
	if err != nil {
		return nil, err
	}
	t.print(os.Stdout)
	if share := t.share(same); share < o.same {
		bad = append(bad, fmt.Sprintf("%.2f %% of pages are the same: fewer than %.0f", share, o.same))
	}
	if share := t.share(passing); share > o.passing {
		bad = append(bad, fmt.Sprintf("%.2f %% of pages were written back: more than %.0f", share, o.passing))
	}
	if n := t.pages[wrong]; n > o.wrong {
		bad = append(bad, fmt.Sprintf("%d pages are wrong: more than %d", n, o.wrong))
	}
	if o.key == "" {
		return bad, nil
	}
	leaks, err := searchKey(image, o.truth, o.key)
	return append(bad, leaks...), err
}

// listed writes ranges as /proc/iomem does.
func listed(all []span) string {
	var s []string
	for _, r := range all {
		s = append(s, fmt.Sprintf("%x-%x", r.start, r.end-1))
	}
	return strings.Join(s, " ")
}
