// Program storm is the operator of the network tests, and who counts afterwards.
//
//	storm send   many jobs after one pattern, spread over devices and time; each is
//	             sent until the hub has taken it
//	storm count  what became of them, by everybody's own books: ledgers, audit logs and
//	             archives of the endpoints, status and receipts of the hub
//
// Begin with main.go; count.go compares the books.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"hozen/packager/keys"
	"hozen/packager/signed"
	"hozen/service/job"
	"hozen/service/remote"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: storm send|count FLAGS")
		os.Exit(2)
	}
	run := map[string]func([]string) error{"send": send, "count": count}[os.Args[1]]
	if run == nil {
		fmt.Fprintln(os.Stderr, "storm: send or count")
		os.Exit(2)
	}
	if err := run(os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "storm:", err)
		os.Exit(1)
	}
}

// send makes, signs and sends jobs, and writes "ID DEVICE" of each to standard output.
func send(args []string) error {
	f := flag.NewFlagSet("send", flag.ContinueOnError)
	n := f.Int("n", 10, "how many")
	over := f.Duration("over", 0, "in which time")
	pattern := f.String("pattern", "", "job after which they are made")
	keyFile := f.String("key", "", "of the operator")
	state := f.String("state", "", "of the operator's enrolment")
	targets := f.String("targets", "", "devices, with commas")
	if err := f.Parse(args); err != nil {
		return err
	}
	b, err := os.ReadFile(*pattern)
	if err != nil {
		return err
	}
	like, err := job.Parse(b)
	if err != nil {
		return err
	}
	key, err := keys.Open(*keyFile, keys.Options{})
	if err != nil {
		return err
	}
	devices := strings.Split(*targets, ",")
	for i := range *n {
		device := devices[i%len(devices)]
		envelope, id, err := next(like.Job, device, key)
		if err != nil {
			return err
		}
		if err := until(*state, envelope); err != nil {
			return err
		}
		fmt.Println(id, device)
		time.Sleep(*over / time.Duration(*n))
	}
	return nil
}

// next makes another job for one device.
func next(j job.Job, device string, key signed.Signer) (envelope []byte, id string, err error) {
	if j.ID, err = job.NewID(time.Now(), nil); err != nil {
		return nil, "", err
	}
	if j.Nonce, err = job.NewNonce(nil); err != nil {
		return nil, "", err
	}
	j.Targets.Devices = []string{device}
	s, err := job.New(j)
	if err != nil {
		return nil, "", err
	}
	if err := s.SignBy(j.Operator, key); err != nil {
		return nil, "", err
	}
	envelope, err = s.Envelope.Encode()
	return envelope, j.ID, err
}

// until sends a job again and again until the hub says that it has it.
func until(state string, envelope []byte) error {
	var last error
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		last = once(state, envelope)
		if last == nil {
			return nil
		}
	}
	return last
}

func once(state string, envelope []byte) error {
	o, err := remote.ConnectOperator(state, nil)
	if err != nil {
		return err
	}
	defer o.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = o.Send(ctx, envelope)
	return err
}
