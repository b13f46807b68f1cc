//go:build !linux && !windows

package install

import (
	"context"
	"errors"
	"fmt"

	"github.com/kardianos/service"

	"hozen/service/config"
)

// program is what kardianos/service runs.
type program struct {
	run    func(context.Context) error
	cancel context.CancelFunc
	ended  chan error
}

// Start implements service.Interface: it does not wait.
func (p *program) Start(service.Service) error {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel, p.ended = cancel, make(chan error, 1)
	go func() { p.ended <- p.run(ctx) }()
	return nil
}

// Stop implements service.Interface: it waits for the seal.
func (p *program) Stop(service.Service) error {
	p.cancel()
	return <-p.ended
}

func managed(run func(context.Context) error) (service.Service, error) {
	return service.New(&program{run: run}, &service.Config{
		Name: Unit, DisplayName: "Hozen", Description: "Hozen: takes evidence when a signed job asks for it",
		Executable: Binary(), Arguments: []string{"service", "run"},
		Option: service.KeyValue{"KeepAlive": true, "RunAtLoad": true, "OnFailure": "restart"},
	})
}

func managerOf(Options) (string, error) {
	s := service.ChosenSystem()
	if s == nil {
		return "", ErrNoManager
	}
	return s.String(), nil
}

func reload(context.Context, string, *config.Config) error {
	s, err := managed(nil)
	if err != nil {
		return err
	}
	if _, err := s.Status(); errors.Is(err, service.ErrNotInstalled) {
		return s.Install()
	}
	return nil
}

func removable() []string { return nil }

func deactivate(context.Context) error {
	s, err := managed(nil)
	if err != nil {
		return err
	}
	if status, err := s.Status(); errors.Is(err, service.ErrNotInstalled) {
		return nil
	} else if err == nil && status == service.StatusRunning {
		if err := s.Stop(); err != nil {
			return err
		}
	}
	return s.Uninstall()
}

// Control starts, stops or restarts the service.
func Control(_ context.Context, verb string) error {
	s, err := managed(nil)
	if err != nil {
		return err
	}
	if _, err := s.Status(); errors.Is(err, service.ErrNotInstalled) {
		return ErrNotInstalled
	}
	if err := service.Control(s, verb); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// State asks the service manager about the service.
func State(context.Context) (Status, error) {
	s, err := managed(nil)
	if err != nil {
		return Status{}, err
	}
	out := Status{Manager: s.Platform(), State: "stopped", Memory: -1, CPU: -1}
	status, err := s.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		out.State = "not-found"
		return out, nil
	case err != nil:
		return out, err
	case status == service.StatusRunning:
		out.Running, out.State = true, "active"
	}
	return out, nil
}

// Serve runs the service in the way that the manager wants. There are no start arguments.
func Serve(_ context.Context, _ string, run func(context.Context, []string) uint32) error {
	s, err := managed(func(ctx context.Context) error {
		if code := run(ctx, nil); code != 0 {
			return fmt.Errorf("ended with %d", code)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Run()
}
