package onwindows

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/windows"

	"hozen/collector/ntapi"
)

// heldProcesses finds who has handles to whose process. Objects have the same address
// in the kernel for all: we open each process and look up our own handles; where the
// system hides addresses, a handle is duplicated and asked.
func heldProcesses(ctx context.Context, list []ntapi.Process) (out []held, all []ntapi.Handle, err error) {
	own := map[uint64]uint32{} // our handle to pid
	for _, p := range list {
		if p.PID == 0 {
			continue
		}
		if h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, p.PID); err == nil {
			defer windows.CloseHandle(h)
			own[uint64(h)] = p.PID
		}
	}
	answer, err := ntapi.QuerySystem(ntapi.SystemExtendedHandle, limitHandles)
	if err != nil {
		return nil, nil, err
	}
	all, err = ntapi.Handles(answer)
	us := uint32(os.Getpid())
	objects, kind := map[uint64]uint32{}, uint16(0)
	for _, h := range all {
		if pid, ok := own[h.Value]; ok && h.PID == us {
			objects[h.Object], kind = pid, h.Type
		}
	}
	delete(objects, 0)
	asked := map[uint32]windows.Handle{}
	defer func() {
		for _, h := range asked {
			windows.CloseHandle(h)
		}
	}()
	for _, h := range all {
		if h.Type != kind || h.PID == us || ctx.Err() != nil {
			continue
		}
		pid, ok := objects[h.Object]
		if h.Object == 0 || len(objects) == 0 {
			pid, ok = ask(asked, h)
		}
		if ok {
			out = append(out, held{h.PID, pid, h.Value, h.Access})
		}
	}
	return out, all, err
}

// ask duplicates a handle to a process, to be asked which one it is.
func ask(open map[uint32]windows.Handle, h ntapi.Handle) (uint32, bool) {
	holder, ok := open[h.PID]
	if !ok {
		holder, _ = windows.OpenProcess(windows.PROCESS_DUP_HANDLE, false, h.PID)
		open[h.PID] = holder
	}
	if holder == 0 {
		return 0, false
	}
	var copied windows.Handle
	if windows.DuplicateHandle(holder, windows.Handle(h.Value), windows.CurrentProcess(), &copied, windows.PROCESS_QUERY_LIMITED_INFORMATION, false, 0) != nil {
		return 0, false
	}
	defer windows.CloseHandle(copied)
	pid, err := windows.GetProcessId(copied)
	return pid, err == nil
}

// maxPID bounds the numbers that are tried: Windows reuses the lowest free ones, so
// that what lives is far below it.
const maxPID = 1 << 18

// otherViews asks for processes in other ways than by the list: every number is
// tried, and every holder of a handle counted. What the list does not have is looked
// for again, in a new list, so that processes that come and go are left out.
func (out *snapshot) otherViews(ctx context.Context, handles []ntapi.Handle) error {
	listed := map[uint32]bool{}
	for _, p := range out.processes {
		listed[p.PID] = true
	}
	views := map[string]map[uint32]bool{"OpenProcess": {}, "table of handles": {}}
	for pid := uint32(4); pid < maxPID; pid += 4 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !listed[pid] && alive(pid) {
			views["OpenProcess"][pid] = true
		}
	}
	for _, h := range handles {
		if !listed[h.PID] && h.PID != 0 && alive(h.PID) {
			views["table of handles"][h.PID] = true
		}
	}
	if len(views["OpenProcess"])+len(views["table of handles"]) == 0 {
		return nil
	}
	again, _, err := processList()
	if err != nil {
		return fmt.Errorf("second list of processes: %w", err)
	}
	for _, p := range again {
		listed[p.PID] = true
	}
	for view, pids := range views {
		for pid := range pids {
			if !listed[pid] && alive(pid) {
				out.pids[view] = append(out.pids[view], pid)
			}
		}
	}
	return nil
}

// alive says whether a number is that of a process that runs: one that has ended, and
// is held by somebody's handle, can be opened, too.
func alive(pid uint32) bool {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION|windows.SYNCHRONIZE, false, pid)
	if err != nil {
		return false
	}
	defer windows.CloseHandle(h)
	if got, err := windows.GetProcessId(h); err != nil || got != pid {
		return false // Windows ignores the two lowest bits of the number
	}
	state, err := windows.WaitForSingleObject(h, 0)
	return err == nil && state == uint32(windows.WAIT_TIMEOUT)
}
