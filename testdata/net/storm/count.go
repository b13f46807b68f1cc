package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hozen/packager/signed"
	"hozen/service/audit"
	"hozen/service/remote"
)

// books are what an endpoint wrote down.
type books struct {
	accepted, started, ended, delivered map[string]int // of each job, in the audit log
	state                               map[string]string
	collections                         map[string]string // archive → job that began it
	archives                            int
	strangers                           []string // archives that no job began
}

// count prints a table and says what is missing; an error if anything is.
func count(args []string) error {
	f := flag.NewFlagSet("count", flag.ContinueOnError)
	ids := f.String("ids", "", "file of what send printed")
	state := f.String("state", "", "of the operator's enrolment")
	wait := f.Duration("wait", time.Minute, "until all jobs have ended")
	dirs := map[string]string{}
	f.Func("endpoint", "NAME=STATE-DIR", func(s string) error {
		name, dir, _ := strings.Cut(s, "=")
		dirs[name] = dir
		return nil
	})
	if err := f.Parse(args); err != nil {
		return err
	}
	jobs, err := readIDs(*ids)
	if err != nil {
		return err
	}
	hub := map[string]string{}
	for end := time.Now().Add(*wait); len(hub) < len(jobs) && time.Now().Before(end); time.Sleep(time.Second) {
		askHub(*state, jobs, hub)
	}
	return compare(jobs, hub, dirs)
}

func readIDs(name string) (jobs [][2]string, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		id, device, _ := strings.Cut(strings.TrimSpace(line), " ")
		jobs = append(jobs, [2]string{id, device})
	}
	return jobs, nil
}

// askHub adds the jobs that have ended as the hub knows it: state and receipt.
func askHub(state string, jobs [][2]string, ended map[string]string) {
	o, err := remote.ConnectOperator(state, nil)
	if err != nil {
		return
	}
	defer o.Close()
	for _, j := range jobs {
		if ended[j[0]] != "" {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		s, err := o.Status(ctx, j[0])
		cancel()
		if err != nil || len(s.Devices) != 1 {
			continue
		}
		switch d := s.Devices[0]; {
		case d.State == "failed", d.State == "refused", d.State == "delivered":
			ended[j[0]] = d.State + " " + d.Receipt
		}
	}
}

func readBooks(dir string) (b books, err error) {
	b = books{map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]string{}, map[string]string{}, 0, nil}
	f, err := os.Open(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		return b, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct{ Payload, Sig string }
		var e audit.Entry
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return b, fmt.Errorf("%s: %w", f.Name(), err)
		}
		if err := signed.Decode([]byte(l.Payload), &e); err != nil {
			return b, fmt.Errorf("%s: %w", f.Name(), err)
		}
		if e.Job == "" {
			continue
		}
		switch e.Event {
		case audit.Accepted:
			b.accepted[e.Job]++
		case audit.Started:
			b.started[e.Job]++
			b.collections[e.Collection] = e.Job
		case audit.Sealed, audit.Partial, audit.Failed:
			b.ended[e.Job]++
			b.state[e.Job] = e.Event
		case audit.Delivered:
			b.delivered[e.Job]++
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, "outbox", "*.tar.zst*"))
	b.archives = len(names)
	for _, n := range names {
		id, _, _ := strings.Cut(filepath.Base(n), ".")
		if b.collections[id] == "" {
			b.strangers = append(b.strangers, id)
		}
	}
	return b, errors.Join(err, lines.Err())
}

// compare lays the books beside each other.
func compare(jobs [][2]string, hub map[string]string, dirs map[string]string) error {
	all, wrong := map[string]books{}, 0
	for name, dir := range dirs {
		b, err := readBooks(dir)
		if err != nil {
			return err
		}
		all[name] = b
		for _, s := range b.strangers {
			wrong++
			fmt.Printf("%s: archive %s was begun by no job\n", name, s)
		}
	}
	var lost, twice, sealed, partial, failed, delivered, valid int
	for _, j := range jobs {
		b := all[j[1]]
		id := j[0]
		switch {
		case b.accepted[id] == 0:
			lost++
			fmt.Printf("%s: job %s never arrived\n", j[1], id)
		case hub[id] == "":
			lost++
			fmt.Printf("%s: job %s: the hub knows no end; here %q, delivered %d\n", j[1], id, b.state[id], b.delivered[id])
		}
		if b.accepted[id] > 1 || b.started[id] > 1 || b.ended[id] > 1 {
			twice++
			fmt.Printf("%s: job %s: accepted %d, started %d, ended %d times\n", j[1], id, b.accepted[id], b.started[id], b.ended[id])
		}
		for other, o := range all {
			if other != j[1] && o.accepted[id]+o.started[id] > 0 {
				wrong++
				fmt.Printf("%s: job %s of %s\n", other, id, j[1])
			}
		}
		switch b.state[id] {
		case audit.Sealed:
			sealed++
		case audit.Partial:
			partial++
		case audit.Failed:
			failed++
		}
		if strings.HasPrefix(hub[id], "delivered") {
			delivered++
		}
		if strings.HasSuffix(hub[id], " VALID") || strings.HasSuffix(hub[id], " VALID-PARTIAL") {
			valid++
		}
	}
	fmt.Printf("%-44s %5d\n", "jobs that the hub took", len(jobs))
	fmt.Printf("%-44s %5d\n", "collected whole", sealed)
	fmt.Printf("%-44s %5d\n", "recovered after a kill, reported as partial", partial)
	fmt.Printf("%-44s %5d\n", "killed before the first byte, reported failed", failed)
	fmt.Printf("%-44s %5d\n", "delivered, with a receipt", delivered)
	fmt.Printf("%-44s %5d\n", "  whose verdict is VALID or VALID-PARTIAL", valid)
	fmt.Printf("%-44s %5d\n", "lost", lost)
	fmt.Printf("%-44s %5d\n", "run twice", twice)
	fmt.Printf("%-44s %5d\n", "otherwise wrong", wrong)
	if lost+twice+wrong > 0 || delivered != sealed+partial || valid != delivered {
		return errors.New("the books do not agree")
	}
	return nil
}
