//go:build linux

// Command measure runs commands in turn, several rounds, and prints one line of
// medians for each: name, wall seconds, CPU seconds (user and system, children
// included), peak RSS in KiB (of the largest process), exit code. Rounds are
// interleaved, so that a machine that becomes slower is slower for all.
//
//	measure -rounds 5 CASES
//
// CASES holds one command a line: name, a tab, a shell command. A name that
// begins with "-" is run in its place, but not measured (clearing up, say). A
// command that fails with a code not in -ok ends everything.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

type sample struct {
	wall, cpu time.Duration
	rss       int64
	code      int
}

func main() {
	rounds := flag.Int("rounds", 5, "how often each command is run")
	ok := flag.String("ok", "0,3", "exit codes that count as success")
	flag.Parse()
	if err := measure(flag.Arg(0), *rounds, strings.Split(*ok, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func measure(cases string, rounds int, ok []string) error {
	b, err := os.ReadFile(cases)
	if err != nil {
		return err
	}
	samples := map[string][]sample{}
	var names []string
	for range rounds {
		for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
			name, command, found := strings.Cut(lines.Text(), "\t")
			if !found {
				continue
			}
			s, err := once(command)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if !slices.Contains(ok, fmt.Sprint(s.code)) {
				return fmt.Errorf("%s: exit code %d", name, s.code)
			}
			if strings.HasPrefix(name, "-") {
				continue
			}
			if samples[name] == nil {
				names = append(names, name)
			}
			samples[name] = append(samples[name], s)
		}
	}
	for _, n := range names {
		report(os.Stdout, n, samples[n])
	}
	return nil
}

func once(command string) (sample, error) {
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Stderr = os.Stderr
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	if cmd.ProcessState == nil {
		return sample{}, err
	}
	use := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return sample{
		wall: wall,
		cpu:  cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		rss:  use.Maxrss,
		code: cmd.ProcessState.ExitCode(),
	}, nil
}

func report(w io.Writer, name string, all []sample) {
	var wall, cpu []time.Duration
	var rss []int64
	for _, s := range all {
		wall, cpu, rss = append(wall, s.wall), append(cpu, s.cpu), append(rss, s.rss)
	}
	fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%d\t%d\n", name, median(wall).Seconds(), median(cpu).Seconds(), median(rss), all[len(all)-1].code)
}

func median[T ~int64](v []T) T {
	slices.Sort(v)
	return v[len(v)/2]
}
