package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/signed"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// endpoint is one of many.
type endpoint struct {
	device packager.Device
	dir    string
	client *remote.Client
	commit protocol.CommitRequest
	files  map[string][]byte
}

// fleet is all endpoints in one process. It reads a token for each from its input.
func fleet(ctx context.Context, dir, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, protocol.MaxToken)
	all := make([]*endpoint, n)
	for i := range all {
		if all[i], err = newEndpoint(filepath.Join(dir, device(i)), device(i)); err != nil {
			return err
		}
	}
	tokens := make(chan string)
	go func() {
		for range n {
			in.Scan()
			tokens <- in.Text()
		}
	}()
	began := time.Now()
	if err := each(all, 32, func(e *endpoint) error {
		_, err := remote.Enrol(ctx, remote.Enrolment{Token: <-tokens, Device: e.device, State: e.dir})
		return err
	}); err != nil {
		return err
	}
	fmt.Printf("enrolled %.1f\n", time.Since(began).Seconds())
	began = time.Now()
	if err := each(all, 64, (*endpoint).connect); err != nil {
		return err
	}
	fmt.Printf("connected %.1f\n", time.Since(began).Seconds())
	return work(ctx, all)
}

// each does something with all, so many at the same time.
func each(all []*endpoint, most int, do func(*endpoint) error) error {
	slots := make(chan struct{}, most)
	errs := make(chan error, len(all))
	for _, e := range all {
		slots <- struct{}{}
		go func() {
			errs <- do(e)
			<-slots
		}()
	}
	var err error
	for range all {
		err = errors.Join(err, <-errs)
	}
	return err
}

// newEndpoint makes a device and the archive that it will deliver.
func newEndpoint(dir, name string) (*endpoint, error) {
	d, err := packager.NewDevice(name, nil)
	if err != nil {
		return nil, err
	}
	e := &endpoint{device: d, dir: dir, files: map[string][]byte{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	id, err := packager.NewID(name, time.Now())
	if err != nil {
		return nil, err
	}
	w, err := packager.Create(packager.Options{ID: id, Disk: packager.Dir(dir), Device: d, Genesis: packager.Genesis{Case: "bench", Tool: "bench"}})
	if err != nil {
		return nil, err
	}
	err = w.Put(context.Background(), evidence.Item{Path: "volatile/text", Collector: "bench"}, func(to io.Writer) error {
		_, err := to.Write(bytes.Repeat([]byte(name), 1000))
		return err
	})
	if err == nil {
		_, err = w.Seal("")
	}
	if err != nil {
		return nil, err
	}
	e.commit.Collection = id
	for _, f := range []struct {
		name string
		to   *protocol.Whole
	}{{packager.ArchiveName(id), &e.commit.Archive}, {packager.LogName(id), &e.commit.Log}} {
		b, err := os.ReadFile(filepath.Join(dir, f.name))
		if err != nil {
			return nil, err
		}
		e.files[f.name], *f.to = b, protocol.Whole{Name: f.name, Bytes: int64(len(b)), SHA256: signed.HexSum(b)}
	}
	return e, nil
}

// connect returns when the connection stands.
func (e *endpoint) connect() (err error) {
	e.client, err = remote.Connect(remote.Options{State: e.dir, Hello: func() protocol.Hello { return protocol.Hello{Device: e.device.Name} }})
	for end := time.Now().Add(2 * time.Minute); err == nil && !e.client.Connected(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			err = errors.New("not connected")
		}
	}
	return err
}

// work waits for the job on all endpoints; each delivers its archive as soon as it comes.
func work(ctx context.Context, all []*endpoint) error {
	var first, arrived sync.Once
	var began time.Time
	var jobs atomic.Int64
	errs := make(chan error, len(all))
	for _, e := range all {
		go func() {
			q, open := <-e.client.Jobs(ctx)
			if !open {
				errs <- ctx.Err()
				return
			}
			first.Do(func() { began = time.Now() })
			if jobs.Add(1) == int64(len(all)) {
				arrived.Do(func() { fmt.Printf("jobs %.1f\n", time.Since(began).Seconds()) })
			}
			errs <- errors.Join(e.client.Done(q), e.deliver(ctx))
		}()
	}
	var err error
	for range all {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		return err
	}
	fmt.Printf("receipts %.1f\n", time.Since(began).Seconds())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// deliver brings the archive to the hub, until it has a receipt that says VALID.
func (e *endpoint) deliver(ctx context.Context) error {
	if err := e.client.Status(ctx, []byte(`{"payload":"{\"event\":\"started\"}","sig":""}`)); err != nil {
		return err
	}
	for name, b := range e.files {
		for {
			err := e.send(ctx, name, b)
			if err == nil {
				break
			}
			if ctx.Err() != nil || errors.Is(err, remote.ErrRefused) {
				return err
			}
			time.Sleep(time.Second)
		}
	}
	if err := e.client.Commit(ctx, e.commit); err != nil {
		return err
	}
	_, r, err := e.client.Receipt(ctx, e.commit)
	if err == nil && r.Verdict != string(packager.Valid) {
		err = fmt.Errorf("%s: %s", e.device.Name, r.Verdict)
	}
	return err
}

func (e *endpoint) send(ctx context.Context, name string, b []byte) error {
	u, err := e.client.Destination().Open(ctx, name)
	if err != nil {
		return err
	}
	if err := u.Write(ctx, b[u.Offset():]); err != nil {
		return err
	}
	return u.Commit(ctx, int64(len(b)), signed.HexSum(b))
}
