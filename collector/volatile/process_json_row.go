package volatile

import (
	"slices"
	"strconv"

	"hozen/collector/jsonl"
)

// appendProcess appends a row of processes.jsonl, without its newline.
func appendProcess(b []byte, p *Process) []byte {
	b = keyInt(append(b, '{'), "pid", int64(p.PID))
	b = keyInt(b, "ppid", int64(p.PPID))
	b = keyUint(b, "start_ticks", p.StartTicks)
	b = keyTextIf(b, "start", jsonl.Text(p.Start))
	b = keyText(b, "comm", p.Comm)
	b = keyTextIf(b, "state", jsonl.Text(p.State))
	b = keyBool(b, "kernel_thread", p.KernelThread)
	b = keyTrueIf(b, "gone", p.Gone)
	b = keyTextIf(b, "unread", p.Unread)
	b = keyTextsIf(b, "argv", p.Argv)
	b = keyTextsIf(b, "environ", p.Environ)
	if p.Exe != nil {
		b = appendImage(key(b, "exe"), p.Exe)
	}
	b = keyTextIf(b, "cwd", p.Cwd)
	b = keyTextIf(b, "root", p.Root)
	b = appendRights(b, p)
	b = appendPlace(b, p)
	b = appendWork(b, p)
	if len(p.Errors) > 0 {
		b = append(key(b, "errors"), '{')
		for _, name := range sortedKeys(p.Errors) {
			b = keyText(b, name, p.Errors[name])
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendRights appends what a process may do.
func appendRights(b []byte, p *Process) []byte {
	if p.UID != nil {
		b = appendIDs(key(b, "uid"), p.UID)
	}
	if p.GID != nil {
		b = appendIDs(key(b, "gid"), p.GID)
	}
	if len(p.Groups) > 0 {
		b = append(key(b, "groups"), '[')
		for i, g := range p.Groups {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendID(b, g)
		}
		b = append(b, ']')
	}
	if p.Caps != nil {
		b = appendCaps(key(b, "caps"), p.Caps)
	}
	b = keyPtrIf(b, "seccomp", p.Seccomp)
	b = keyPtrIf(b, "seccomp_filters", p.SeccompFilters)
	b = keyPtrIf(b, "no_new_privs", p.NoNewPrivs)
	b = keyIntIf(b, "tracer_pid", p.TracerPID)
	b = keyTextIf(b, "umask", jsonl.Text(p.Umask))
	return keyTextIf(b, "label", p.Label)
}

// appendPlace appends where a process belongs: terminal, session, namespaces, cgroup.
func appendPlace(b []byte, p *Process) []byte {
	if t := p.TTY; t != nil {
		b = keyInt(append(key(b, "tty"), '{'), "nr", t.Nr)
		b = keyInt(b, "major", t.Major)
		b = keyInt(b, "minor", t.Minor)
		b = append(keyTextIf(b, "name", t.Name), '}')
	}
	b = keyIntIf(b, "tty_pgrp", p.TTYPgrp)
	b = keyInt(b, "session", p.Session)
	b = keyInt(b, "pgrp", p.Pgrp)
	b = keyIDIf(b, "loginuid", p.LoginUID)
	b = keyPtrIf(b, "audit_session", p.SessionID)
	if len(p.NSPID) > 0 {
		b = append(key(b, "ns_pid"), '[')
		for i, v := range p.NSPID {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(v), 10)
		}
		b = append(b, ']')
	}
	b = keyTextIf(b, "personality", jsonl.Text(p.Personality))
	if len(p.Namespaces) > 0 {
		b = append(key(b, "namespaces"), '{')
		for _, name := range sortedKeys(p.Namespaces) {
			b = keyUint(b, name, p.Namespaces[name])
		}
		b = append(b, '}')
	}
	b = keyTextsIf(b, "uid_map", p.UIDMap)
	b = keyTextsIf(b, "gid_map", p.GIDMap)
	b = keyTextsIf(b, "cgroup", p.Cgroup)
	b = keyTextIf(b, "container_runtime", jsonl.Text(p.Runtime))
	return keyTextIf(b, "container_id", p.Container)
}

// appendWork appends what a process does and uses.
func appendWork(b []byte, p *Process) []byte {
	b = keyUint(b, "flags", p.Flags)
	b = keyTextIf(b, "wchan", p.WChan)
	b = keyInt(b, "num_threads", p.NumThreads)
	if len(p.Threads) > 0 {
		b = append(key(b, "threads"), '[')
		for i := range p.Threads {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendThread(b, &p.Threads[i])
		}
		b = append(b, ']')
	}
	if p.OpenFiles != nil {
		b = keyInt(b, "open_files", int64(*p.OpenFiles))
	}
	if p.Mappings != nil {
		b = keyInt(b, "mappings", int64(*p.Mappings))
	}
	b = appendCPU(key(b, "cpu"), &p.CPU)
	s := &p.Sched
	b = keyInt(append(key(b, "sched"), '{'), "priority", s.Priority)
	b = keyInt(b, "nice", s.Nice)
	b = keyIntIf(b, "rt_priority", s.RTPriority)
	b = append(keyInt(b, "policy", s.Policy), '}')
	b = appendMemory(key(b, "memory"), &p.Memory)
	if p.IO != nil {
		b = appendIO(key(b, "io"), p.IO)
	}
	b = keyPtrIf(b, "oom_score", p.OOMScore)
	b = keyPtrIf(b, "oom_score_adj", p.OOMScoreAdj)
	return keyIntIf(b, "exit_signal", p.ExitSignal)
}

func appendThread(b []byte, t *Thread) []byte {
	b = keyInt(append(b, '{'), "tid", int64(t.TID))
	b = keyText(b, "comm", t.Comm)
	b = keyText(b, "state", jsonl.Text(t.State))
	b = keyUint(b, "start_ticks", t.StartTicks)
	return append(keyTextIf(b, "start", jsonl.Text(t.Start)), '}')
}

func appendCPU(b []byte, c *CPU) []byte {
	b = keyUint(append(b, '{'), "user", c.User)
	b = keyUint(b, "system", c.System)
	b = keyUint(b, "child_user", c.ChildUser)
	b = keyUint(b, "child_system", c.ChildSystem)
	b = keyUintIf(b, "guest", c.Guest)
	b = keyUintIf(b, "block_io", c.BlockIO)
	b = keyUint(b, "minor_faults", c.MinorFaults)
	b = keyUint(b, "major_faults", c.MajorFaults)
	b = keyUint(b, "voluntary_switches", c.Voluntary)
	b = keyUint(b, "nonvoluntary_switches", c.Nonvoluntary)
	b = keyInt(b, "processor", c.Processor)
	b = keyTextIf(b, "allowed_cpus", jsonl.Text(c.AllowedCPUs))
	return append(keyUint(b, "ticks_per_second", c.TicksEachSecond), '}')
}

func appendMemory(b []byte, m *Memory) []byte {
	b = keyUint(append(b, '{'), "virtual", m.Virtual)
	b = keyUint(b, "resident", m.Resident)
	b = keyUintIf(b, "peak", m.Peak)
	b = keyUintIf(b, "peak_resident", m.HWM)
	b = keyUintIf(b, "locked", m.Locked)
	b = keyUintIf(b, "pinned", m.Pinned)
	b = keyUintIf(b, "anonymous", m.Anon)
	b = keyUintIf(b, "file", m.File)
	b = keyUintIf(b, "shared", m.Shmem)
	b = keyUintIf(b, "data", m.Data)
	b = keyUintIf(b, "stack", m.Stack)
	b = keyUintIf(b, "text", m.Text)
	b = keyUintIf(b, "libraries", m.Lib)
	return append(keyUintIf(b, "swap", m.Swap), '}')
}

func appendIO(b []byte, v *IO) []byte {
	b = keyUint(append(b, '{'), "rchar", v.ReadChars)
	b = keyUint(b, "wchar", v.WriteChars)
	b = keyUint(b, "syscr", v.ReadCalls)
	b = keyUint(b, "syscw", v.WriteCalls)
	b = keyUint(b, "read_bytes", v.ReadBytes)
	b = keyUint(b, "write_bytes", v.WriteBytes)
	return append(keyUint(b, "cancelled_write_bytes", v.CancelledBytes), '}')
}

// sortedKeys gives the keys in the order in which encoding/json writes them.
func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
