// Program endpoints measures what one embedded hub does with many endpoints on loopback:
// enrolment, connections, the fan-out of one job, and an archive with its receipt from
// each of them. It prints a row of a table for each number of endpoints.
//
//	TMPDIR=/var/tmp go run ./testdata/bench/endpoints 500 1000 2000
//	TMPDIR=/dev/shm go run ./testdata/bench/endpoints 500 1000 2000
//
// Hub and endpoints are processes of their own (this program again), so that their
// memory is told apart; the endpoints are package remote, all in one process, with a
// sealed archive of some 20 KiB each. The hub flushes every message onto the disk of
// TMPDIR: what is measured on a busy disk is the disk. Begin with main.go; fleet.go is the endpoints.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/hub/registry"
	"hozen/service/hub/server"
	"hozen/service/job"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "hub":
		err = hub(ctx, os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "fleet":
		err = fleet(ctx, os.Args[2], os.Args[3])
	default:
		err = table(ctx, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "endpoints:", err)
		os.Exit(1)
	}
}

func table(ctx context.Context, sizes []string) error {
	if len(sizes) == 0 {
		sizes = []string{"500", "1000", "2000"}
	}
	fmt.Println("endpoints  enrolled  connected  idle hub  hub/ep   fleet/ep  job to all  receipts  per s  hub peak  hub/ep")
	for _, n := range sizes {
		if err := row(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// child is this program in another role.
func child(ctx context.Context, args ...string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner, error) {
	c := exec.CommandContext(ctx, "/proc/self/exe", args...)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	return c, in, bufio.NewScanner(out), c.Start()
}

// line reads the next line, which must begin with a word.
func line(s *bufio.Scanner, word string) (string, error) {
	if !s.Scan() {
		return "", fmt.Errorf("no %s: %w", word, s.Err())
	}
	text, ok := strings.CutPrefix(s.Text(), word+" ")
	if !ok {
		return "", fmt.Errorf("want %s, got %q", word, s.Text())
	}
	return text, nil
}

func row(ctx context.Context, n string) error {
	dir, err := os.MkdirTemp(os.Getenv("TMPDIR"), "hozen-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h, hubIn, hubOut, err := child(ctx, "hub", dir+"/hub")
	if err != nil {
		return err
	}
	defer func() { hubIn.Close(); h.Wait() }()
	f, fleetIn, fleetOut, err := child(ctx, "fleet", dir+"/fleet", n)
	if err != nil {
		return err
	}
	defer func() { fleetIn.Close(); f.Wait() }()
	count, err := strconv.Atoi(n)
	if err != nil {
		return err
	}
	if _, err := line(hubOut, "ready"); err != nil {
		return err
	}
	before := rss(h.Process.Pid)
	go func() { // tokens go from one to the other
		fmt.Fprintln(hubIn, "tokens", n)
		for hubOut.Scan() && hubOut.Text() != "end" {
			fmt.Fprintln(fleetIn, hubOut.Text())
		}
		for hubOut.Scan() {
		}
		cancel() // a hub that ended leaves nobody waiting for it
	}()
	enrolled, err := line(fleetOut, "enrolled")
	if err != nil {
		return err
	}
	connected, err := line(fleetOut, "connected")
	if err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	idle, own := rss(h.Process.Pid), rss(f.Process.Pid)
	fmt.Fprintln(hubIn, "job", n)
	arrived, err := line(fleetOut, "jobs")
	if err != nil {
		return err
	}
	receipts, err := line(fleetOut, "receipts")
	if err != nil {
		return err
	}
	took, err := strconv.ParseFloat(receipts, 64)
	if err != nil {
		return err
	}
	peak := peakRSS(h.Process.Pid)
	per := func(kib int) string { return strconv.Itoa(kib/count) + " KiB" }
	fmt.Printf("%9s  %6s s  %7s s  %4d MiB  %8s  %8s  %8s s  %6.1f s  %5.0f  %4d MiB  %s\n", n, enrolled, connected, idle>>10, per(idle-before), per(own), arrived, took, float64(count)/took, peak>>10, per(peak-before))
	return nil
}

// rss and peakRSS are in KiB.
func rss(pid int) int     { return status(pid, "VmRSS:") }
func peakRSS(pid int) int { return status(pid, "VmHWM:") }

func status(pid int, field string) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == field {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}

// hub serves until its input ends: "tokens N" prints tokens, "job N" sends one to all.
func hub(ctx context.Context, dir string) error {
	h, err := server.Start(ctx, server.Options{Dir: dir, Name: "bench", Listen: "127.0.0.1:0", Reserve: 1 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer h.Stop(context.Background())
	fmt.Println("ready to serve")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		verb, rest, _ := strings.Cut(in.Text(), " ")
		n, err := strconv.Atoi(rest)
		if err != nil {
			return err
		}
		if verb == "job" {
			if err := sendAll(ctx, h, n); err != nil {
				return err
			}
			continue
		}
		for range n {
			t, err := h.Token(ctx, registry.Invitation{Role: "endpoint"}, time.Hour)
			if err != nil {
				return err
			}
			fmt.Println(t)
		}
		fmt.Println("end")
	}
	return nil
}

// mostTargets is how many devices one job may name.
const mostTargets = 1000

// sendAll sends all devices a job: one, or as many as are needed to name them.
func sendAll(ctx context.Context, h *server.Hub, n int) error {
	for from := 0; from < n; from += mostTargets {
		if err := sendTo(ctx, h, from, min(from+mostTargets, n)); err != nil {
			return err
		}
	}
	return nil
}

// sendTo sends a signed job to some devices, as the console would.
func sendTo(ctx context.Context, h *server.Hub, from, to int) error {
	operator, err := packager.NewDevice("alice", nil)
	if err != nil {
		return err
	}
	j := job.Job{
		Type: job.Type, Issued: job.Time(time.Now()), NotBefore: job.Time(time.Now()), Expires: job.Time(time.Now().Add(time.Hour)), Action: job.Collect,
		Profile: job.Profile{Name: "volatile", SHA256: signed.HexSum(nil)}, Operator: "alice",
	}
	if j.ID, err = job.NewID(time.Now(), nil); err != nil {
		return err
	}
	if j.Nonce, err = job.NewNonce(nil); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		j.Targets.Devices = append(j.Targets.Devices, device(i))
	}
	s, err := job.New(j)
	if err != nil {
		return err
	}
	if err := s.Sign("alice", operator.Signer); err != nil {
		return err
	}
	b, err := s.Envelope.Encode()
	if err != nil {
		return err
	}
	_, err = h.SendJob(ctx, b, "bench")
	return err
}

func device(i int) string { return fmt.Sprintf("pc-%04d", i) }
