package install

import (
	"context"
	"errors"
	"testing"

	"golang.org/x/sys/windows/svc"

	"hozen/service/shutdown"
)

// The SCM is told that a service ends as long as it does, with a hint how long to wait; a
// shutdown is known from a stop; the exit code is the service's own.
func TestHandler(t *testing.T) {
	for _, c := range []struct {
		cmd  svc.Cmd
		off  bool
		code uint32
	}{{svc.Stop, false, 0}, {svc.PreShutdown, true, 0}, {svc.Shutdown, true, 3}} {
		requests, told := make(chan svc.ChangeRequest), make(chan svc.Status)
		cause, goOn := make(chan error, 1), make(chan struct{})
		h := &handler{t.Context(), func(ctx context.Context, args []string) uint32 {
			if len(args) != 1 || args[0] != "case-1" {
				t.Errorf("arguments %q", args)
			}
			<-ctx.Done()
			cause <- context.Cause(ctx)
			<-goOn
			return c.code
		}}
		type end struct {
			own  bool
			code uint32
		}
		ended := make(chan end, 1)
		go func() {
			own, code := h.Execute([]string{Unit, "case-1"}, requests, told)
			ended <- end{own, code}
		}()
		if s := <-told; s.State != svc.StartPending || s.WaitHint == 0 {
			t.Errorf("first: %+v", s)
		}
		if s := <-told; s.State != svc.Running || s.Accepts&svc.AcceptPreShutdown == 0 || s.Accepts&svc.AcceptStop == 0 {
			t.Errorf("then: %+v", s)
		}
		requests <- svc.ChangeRequest{Cmd: c.cmd}
		last := uint32(0)
		for range 3 {
			s := <-told
			if s.State != svc.StopPending || s.WaitHint == 0 || s.CheckPoint <= last {
				t.Errorf("ending: %+v after %d", s, last)
			}
			last = s.CheckPoint
		}
		if err := <-cause; errors.Is(err, shutdown.ErrSwitchedOff) != c.off {
			t.Errorf("%d: %v", c.cmd, err)
		}
		close(goOn)
		if e := <-ended; e.code != c.code || e.own != (c.code != 0) {
			t.Errorf("%d: %+v", c.cmd, e)
		}
	}
}
