package volatile

import (
	"bytes"
	"context"

	"github.com/shirou/gopsutil/v3/process"
	"golang.org/x/sys/unix"
)

// nameFromList is the p_comm of sysctl kern.proc.pid, at most 16 bytes: gopsutil
// would run ps for longer names.
func nameFromList(_ context.Context, p *process.Process) (string, error) {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", int(p.Pid))
	if err != nil {
		return "", err
	}
	name, _, _ := bytes.Cut(k.Proc.P_comm[:], []byte{0})
	return string(name), nil
}

// moreFromList adds the effective user and the niceness, from the same table.
func moreFromList(_ context.Context, p *process.Process, row *Process, fault func(string, error)) {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", int(p.Pid))
	if err != nil {
		fault("uid", err)
		return
	}
	row.UID = &IDs{Effective: ID{ID: k.Eproc.Ucred.Uid}, Real: ID{ID: k.Eproc.Pcred.P_ruid}, Saved: ID{ID: k.Eproc.Pcred.P_svuid}}
	row.Sched = &Sched{Nice: int64(k.Proc.P_nice)}
	row.Pgrp = new(int64(k.Eproc.Pgid))
}
