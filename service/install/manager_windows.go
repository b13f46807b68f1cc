package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"hozen/packager/evidence/fault"
	"hozen/service/config"
)

// stopLimit bounds how long it is waited for a service to start or to end: what is being
// taken is sealed first.
const stopLimit = 5 * time.Minute

// busyLimit bounds how long it is waited for an SCM that starts somebody else.
const busyLimit = 30 * time.Second

func managerOf(o Options) (string, error) {
	if o.Root != "" || o.Manager != "" && o.Manager != SCM {
		return "", fmt.Errorf("%w: on Windows the service control manager, of the running system", ErrNoManager)
	}
	return SCM, nil
}

// onSCM connects to the SCM with no more rights than are asked for.
func onSCM(access uint32, f func(*mgr.Mgr) error) error {
	h, err := windows.OpenSCManager(nil, nil, access)
	if err != nil {
		return fmt.Errorf("service control manager: %w", err)
	}
	m := &mgr.Mgr{Handle: h}
	defer m.Disconnect()
	return f(m)
}

// onService opens one service. ErrNotInstalled: there is none.
func onService(name string, access uint32, f func(*mgr.Service) error) error {
	return onSCM(windows.SC_MANAGER_CONNECT, func(m *mgr.Mgr) error {
		p, err := windows.UTF16PtrFromString(name)
		if err != nil {
			return err
		}
		h, err := windows.OpenService(m.Handle, p, access)
		if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
			return ErrNotInstalled
		}
		if err != nil {
			return fmt.Errorf("service %s: %w", name, err)
		}
		s := &mgr.Service{Name: name, Handle: h}
		defer s.Close()
		return f(s)
	})
}

// keeper is kardianos/service for one service: it makes and removes it, and its source of
// events. What it does not know, tune sets.
func keeper(s Service) (service.Service, error) {
	return service.New(nil, &service.Config{Name: s.Name, DisplayName: s.Display, Description: s.Description, Executable: Binary(), Arguments: s.Args,
		Option: service.KeyValue{"StartType": map[bool]string{true: "automatic", false: "manual"}[s.Auto]}})
}

// register makes the services as they are wanted, or changes those that are there.
func register(file string, c *config.Config) (steps []Step, err error) {
	for _, s := range Services(file, c) {
		did := Changed
		err := onService(s.Name, windows.SERVICE_QUERY_STATUS, func(*mgr.Service) error { return nil })
		if errors.Is(err, ErrNotInstalled) {
			did = Made
			var k service.Service
			if k, err = keeper(s); err == nil {
				err = k.Install()
			}
		}
		if err == nil {
			err = onService(s.Name, windows.SERVICE_ALL_ACCESS, func(h *mgr.Service) error { return tune(h, s) })
		}
		if err != nil {
			return steps, fmt.Errorf("service %s: %w", s.Name, err)
		}
		steps = append(steps, Step{did, "service " + s.Name})
	}
	return steps, nil
}

// tune sets all that the SCM keeps of a service (ChangeServiceConfig, ChangeServiceConfig2).
func tune(h *mgr.Service, s Service) error {
	var text [4]*uint16
	for i, t := range []string{s.Command(Binary()), "LocalSystem", "", s.Display} {
		p, err := windows.UTF16PtrFromString(t)
		if err != nil {
			return err
		}
		text[i] = p
	}
	start := uint32(mgr.StartManual)
	if s.Auto {
		start = mgr.StartAutomatic
	}
	if err := windows.ChangeServiceConfig(h.Handle, windows.SERVICE_WIN32_OWN_PROCESS, start, mgr.ErrorNormal, text[0], nil, nil, nil, text[1], text[2], text[3]); err != nil {
		return err
	}
	again := []mgr.RecoveryAction{{Type: mgr.NoAction}}
	if len(s.Again) > 0 {
		again = nil
		for _, d := range s.Again {
			again = append(again, mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: d})
		}
	}
	if err := known("recovery actions", h.SetRecoveryActions(again, uint32(forgetAfter/time.Second))); err != nil {
		return err
	}
	for _, set := range []func(*mgr.Service, Service) error{setText, setDelay, setSID, setFailureFlag, setPreshutdown, setPrivileges} {
		if err := set(h, s); err != nil {
			return err
		}
	}
	return nil
}

// setText sets SERVICE_DESCRIPTION.
func setText(h *mgr.Service, s Service) error {
	p, err := windows.UTF16PtrFromString(s.Description)
	if err != nil {
		return err
	}
	d := windows.SERVICE_DESCRIPTION{Description: p}
	return known("description", windows.ChangeServiceConfig2(h.Handle, windows.SERVICE_CONFIG_DESCRIPTION, (*byte)(unsafe.Pointer(&d))))
}

// setDelay sets SERVICE_DELAYED_AUTO_START_INFO: it starts after those that others need.
func setDelay(h *mgr.Service, s Service) error {
	if !s.Auto {
		return nil // there is no such thing of one that is started by hand
	}
	info := windows.SERVICE_DELAYED_AUTO_START_INFO{IsDelayedAutoStartUp: 1}
	return known("delayed start", windows.ChangeServiceConfig2(h.Handle, windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, (*byte)(unsafe.Pointer(&info))))
}

// setSID sets SERVICE_SID_INFO: the service has a SID of its own, which access lists and
// firewall rules can name.
func setSID(h *mgr.Service, _ Service) error {
	kind := uint32(windows.SERVICE_SID_TYPE_UNRESTRICTED)
	return known("service SID", windows.ChangeServiceConfig2(h.Handle, windows.SERVICE_CONFIG_SERVICE_SID_INFO, (*byte)(unsafe.Pointer(&kind))))
}

// setFailureFlag has the recovery actions hold for an end with an error, too
// (SERVICE_FAILURE_ACTIONS_FLAG).
func setFailureFlag(h *mgr.Service, s Service) error {
	return known("failure flag", h.SetRecoveryActionsOnNonCrashFailures(len(s.Again) > 0))
}

// setPreshutdown sets SERVICE_PRESHUTDOWN_INFO: milliseconds. What a Windows 10 waits
// without it is 10 seconds.
func setPreshutdown(h *mgr.Service, s Service) error {
	ms := uint32(s.Patience.Milliseconds())
	return known("preshutdown", windows.ChangeServiceConfig2(h.Handle, windows.SERVICE_CONFIG_PRESHUTDOWN_INFO, (*byte)(unsafe.Pointer(&ms))))
}

// setPrivileges sets SERVICE_REQUIRED_PRIVILEGES_INFO.
func setPrivileges(h *mgr.Service, s Service) error {
	block := multiString(s.Privileges)
	info := struct{ names *uint16 }{&block[0]}
	return known("privileges", windows.ChangeServiceConfig2(h.Handle, windows.SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, (*byte)(unsafe.Pointer(&info))))
}

// known leaves out what this SCM does not know: Wine's is one that knows little. Each Windows
// since 7 knows all of it.
func known(what string, err error) error {
	if err == nil || errors.Is(err, windows.ERROR_INVALID_LEVEL) || errors.Is(err, windows.ERROR_CALL_NOT_IMPLEMENTED) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func reload(context.Context, string, *config.Config) error { return nil }

// removable are files that only say how things were.
func removable() []string {
	return []string{statusFile(Unit), progressFile(CollectUnit), Binary() + ".old"}
}

// deactivate ends the services for good and has the SCM forget them, and their source of
// events.
func deactivate(ctx context.Context) (err error) {
	for _, s := range Services("", config.Default()) {
		end := control(ctx, s.Name, Stop)
		if errors.Is(end, ErrNotInstalled) {
			continue
		}
		k, keepErr := keeper(s)
		if keepErr == nil && end == nil {
			keepErr = k.Uninstall()
		}
		err = fault.Join(err, end, keepErr)
	}
	return err
}

// Control starts, stops or restarts the service, and waits until that is done.
func Control(ctx context.Context, verb string) error { return control(ctx, Unit, verb) }

func control(ctx context.Context, name, verb string) error {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	return onService(name, windows.SERVICE_QUERY_STATUS|windows.SERVICE_START|windows.SERVICE_STOP, func(s *mgr.Service) error {
		switch verb {
		case Start, Stop, Restart:
		default:
			return fmt.Errorf("%q: not one of start, stop, restart", verb)
		}
		if verb != Start {
			if _, err := s.Control(svc.Stop); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
				return fmt.Errorf("service %s: stop: %w", name, err)
			}
			if err := reach(ctx, s, svc.Stopped); err != nil || verb == Stop {
				return err
			}
		}
		if err := s.Start(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
			return fmt.Errorf("service %s: start: %w", name, err)
		}
		return reach(ctx, s, svc.Running)
	})
}

// reach waits until a service is in a state.
func reach(ctx context.Context, s *mgr.Service, want svc.State) error {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		q, err := s.Query()
		switch {
		case err != nil:
			return err
		case q.State == want:
			return nil
		case want == svc.Running && q.State == svc.Stopped:
			return fmt.Errorf("service %s: it ended with %d, %d", s.Name, q.Win32ExitCode, q.ServiceSpecificExitCode)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("service %s: still not where it should be: %w", s.Name, context.Cause(ctx))
		case <-t.C:
		}
	}
}

// Collect asks the SCM for one collection, by the service that is there for that.
func Collect(ctx context.Context, caseNo string) error {
	ctx, cancel := context.WithTimeout(ctx, busyLimit)
	defer cancel()
	return onService(CollectUnit, windows.SERVICE_START, func(s *mgr.Service) error {
		for {
			err := s.Start(caseNo)
			if err == nil {
				return nil
			}
			err = fmt.Errorf("service %s: start: %w", CollectUnit, err)
			// As long as it starts us, the SCM may start nobody else.
			if !errors.Is(err, windows.ERROR_SERVICE_DATABASE_LOCKED) {
				return err
			}
			select {
			case <-ctx.Done():
				return err
			case <-time.After(200 * time.Millisecond):
			}
		}
	})
}

// State asks the SCM about the service.
func State(context.Context) (Status, error) {
	out := Status{Manager: SCM, State: "not-found", Memory: -1, CPU: -1}
	err := onService(Unit, windows.SERVICE_QUERY_STATUS, func(s *mgr.Service) error {
		q, err := s.Query()
		if err != nil {
			return err
		}
		out.State = map[svc.State]string{svc.Stopped: "stopped", svc.StartPending: "start-pending", svc.StopPending: "stop-pending", svc.Running: "running"}[q.State]
		out.Running, out.PID = q.State == svc.Running, int(q.ProcessId)
		if out.Running {
			out.Doing = doing(Unit, out.PID)
			out.Memory, out.CPU, out.Since = used(q.ProcessId)
		}
		return nil
	})
	if errors.Is(err, ErrNotInstalled) {
		err = nil
	}
	return out, err
}

// used is what a process has used: its private bytes are not asked for, its time is.
func used(pid uint32) (memory int64, cpu float64, since time.Time) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return -1, -1, time.Time{}
	}
	defer windows.CloseHandle(h)
	var made, ended, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &made, &ended, &kernel, &user); err != nil {
		return -1, -1, time.Time{}
	}
	ticks := func(f windows.Filetime) float64 {
		return float64(uint64(f.HighDateTime)<<32|uint64(f.LowDateTime)) / 1e7
	}
	return -1, ticks(kernel) + ticks(user), time.Unix(0, made.Nanoseconds()).UTC()
}

// swap puts a program in the place of another that may be running: that one can be renamed,
// but not replaced. What is left of it goes with the next swap.
func swap(from, to string) error {
	old := to + ".old"
	os.Remove(old)
	if _, err := os.Lstat(to); err == nil {
		if err := os.Rename(to, old); err != nil {
			return err
		}
	}
	if err := os.Rename(from, to); err != nil {
		return fault.Join(err, os.Rename(old, to))
	}
	os.Remove(old)
	return nil
}
