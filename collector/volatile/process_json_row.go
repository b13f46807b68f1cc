package volatile

import (
	"strconv"

	"hozen/collector/jsonl"
)

// appendProcess appends a row of processes.jsonl, without its newline.
func appendProcess(b []byte, p *Process) []byte {
	b = jsonInt(append(b, '{'), "pid", int64(p.PID))
	b = jsonPtrIf(b, "ppid", p.PPID)
	b = jsonPtrIf(b, "start_ticks", p.StartTicks)
	b = jsonTextIf(b, "start", jsonl.Text(p.Start))
	b = jsonTextIf(b, "start_from", jsonl.Text(p.StartFrom))
	if p.Comm != nil {
		b = jsonText(b, "comm", *p.Comm)
	}
	b = jsonTextIf(b, "state", jsonl.Text(p.State))
	if p.KernelThread != nil {
		b = jsonBool(b, "kernel_thread", *p.KernelThread)
	}
	b = jsonTrueIf(b, "gone", p.Gone)
	b = jsonTextIf(b, "unread", p.Unread)
	b = jsonTextsIf(b, "argv", p.Argv)
	b = jsonTextsIf(b, "environ", p.Environ)
	if p.Exe != nil {
		b = appendImage(jsonKey(b, "exe"), p.Exe)
	}
	b = jsonTextIf(b, "cwd", p.Cwd)
	b = jsonTextIf(b, "root", p.Root)
	b = appendRights(b, p)
	b = appendPlace(b, p)
	b = appendWork(b, p)
	if len(p.Errors) > 0 {
		b = append(jsonKey(b, "errors"), '{')
		for _, name := range sortedKeys(p.Errors) {
			b = jsonText(b, name, p.Errors[name])
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendRights appends what a process may do.
func appendRights(b []byte, p *Process) []byte {
	if p.UID != nil {
		b = appendIDs(jsonKey(b, "uid"), p.UID)
	}
	if p.GID != nil {
		b = appendIDs(jsonKey(b, "gid"), p.GID)
	}
	if len(p.Groups) > 0 {
		b = append(jsonKey(b, "groups"), '[')
		for i, g := range p.Groups {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendID(b, g)
		}
		b = append(b, ']')
	}
	if p.Caps != nil {
		b = appendCaps(jsonKey(b, "caps"), p.Caps)
	}
	b = jsonPtrIf(b, "seccomp", p.Seccomp)
	b = jsonPtrIf(b, "seccomp_filters", p.SeccompFilters)
	b = jsonPtrIf(b, "no_new_privs", p.NoNewPrivs)
	b = jsonIntIf(b, "tracer_pid", p.TracerPID)
	b = jsonTextIf(b, "umask", jsonl.Text(p.Umask))
	return jsonTextIf(b, "label", p.Label)
}

// appendPlace appends where a process belongs: terminal, session, namespaces, cgroup.
func appendPlace(b []byte, p *Process) []byte {
	if t := p.TTY; t != nil {
		b = jsonInt(append(jsonKey(b, "tty"), '{'), "nr", t.Nr)
		b = jsonInt(b, "major", t.Major)
		b = jsonInt(b, "minor", t.Minor)
		b = append(jsonTextIf(b, "name", t.Name), '}')
	}
	b = jsonIntIf(b, "tty_pgrp", p.TTYPgrp)
	b = jsonPtrIf(b, "session", p.Session)
	b = jsonPtrIf(b, "pgrp", p.Pgrp)
	b = jsonIDIf(b, "loginuid", p.LoginUID)
	b = jsonPtrIf(b, "audit_session", p.SessionID)
	if len(p.NSPID) > 0 {
		b = append(jsonKey(b, "ns_pid"), '[')
		for i, v := range p.NSPID {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(v), 10)
		}
		b = append(b, ']')
	}
	b = jsonTextIf(b, "personality", jsonl.Text(p.Personality))
	if len(p.Namespaces) > 0 {
		b = append(jsonKey(b, "namespaces"), '{')
		for _, name := range sortedKeys(p.Namespaces) {
			b = jsonUint(b, name, p.Namespaces[name])
		}
		b = append(b, '}')
	}
	b = jsonTextsIf(b, "uid_map", p.UIDMap)
	b = jsonTextsIf(b, "gid_map", p.GIDMap)
	b = jsonTextsIf(b, "cgroup", p.Cgroup)
	b = jsonTextIf(b, "container_runtime", jsonl.Text(p.Runtime))
	return jsonTextIf(b, "container_id", p.Container)
}

// appendWork appends what a process does and uses.
func appendWork(b []byte, p *Process) []byte {
	b = jsonPtrIf(b, "flags", p.Flags)
	b = jsonTextIf(b, "wchan", p.WChan)
	b = jsonPtrIf(b, "num_threads", p.NumThreads)
	if len(p.Threads) > 0 {
		b = append(jsonKey(b, "threads"), '[')
		for i := range p.Threads {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendThread(b, &p.Threads[i])
		}
		b = append(b, ']')
	}
	b = jsonPtrIf(b, "open_files", p.OpenFiles)
	b = jsonPtrIf(b, "mappings", p.Mappings)
	if p.CPU != nil {
		b = appendCPU(jsonKey(b, "cpu"), p.CPU)
	}
	if p.Sched != nil {
		b = appendSched(jsonKey(b, "sched"), p.Sched)
	}
	if p.Memory != nil {
		b = appendMemory(jsonKey(b, "memory"), p.Memory)
	}
	if p.IO != nil {
		b = appendIO(jsonKey(b, "io"), p.IO)
	}
	b = jsonPtrIf(b, "oom_score", p.OOMScore)
	b = jsonPtrIf(b, "oom_score_adj", p.OOMScoreAdj)
	return jsonIntIf(b, "exit_signal", p.ExitSignal)
}

func appendThread(b []byte, t *Thread) []byte {
	b = jsonInt(append(b, '{'), "tid", int64(t.TID))
	b = jsonText(b, "comm", t.Comm)
	b = jsonText(b, "state", jsonl.Text(t.State))
	b = jsonUint(b, "start_ticks", t.StartTicks)
	return append(jsonTextIf(b, "start", jsonl.Text(t.Start)), '}')
}

func appendCPU(b []byte, c *CPU) []byte {
	b = jsonUint(append(b, '{'), "user", c.User)
	b = jsonUint(b, "system", c.System)
	b = jsonUint(b, "child_user", c.ChildUser)
	b = jsonUint(b, "child_system", c.ChildSystem)
	b = jsonUintIf(b, "guest", c.Guest)
	b = jsonUintIf(b, "block_io", c.BlockIO)
	b = jsonUint(b, "minor_faults", c.MinorFaults)
	b = jsonUint(b, "major_faults", c.MajorFaults)
	b = jsonPtrIf(b, "voluntary_switches", c.Voluntary)
	b = jsonPtrIf(b, "nonvoluntary_switches", c.Nonvoluntary)
	b = jsonInt(b, "processor", c.Processor)
	b = jsonTextIf(b, "allowed_cpus", jsonl.Text(c.AllowedCPUs))
	return append(jsonUint(b, "ticks_per_second", c.TicksEachSecond), '}')
}

func appendSched(b []byte, s *Sched) []byte {
	b = jsonPtrIf(append(b, '{'), "priority", s.Priority)
	b = jsonInt(b, "nice", s.Nice)
	b = jsonIntIf(b, "rt_priority", s.RTPriority)
	return append(jsonPtrIf(b, "policy", s.Policy), '}')
}

func appendMemory(b []byte, m *Memory) []byte {
	b = jsonUint(append(b, '{'), "virtual", m.Virtual)
	b = jsonUint(b, "resident", m.Resident)
	b = jsonUintIf(b, "peak", m.Peak)
	b = jsonUintIf(b, "peak_resident", m.HWM)
	b = jsonUintIf(b, "locked", m.Locked)
	b = jsonUintIf(b, "pinned", m.Pinned)
	b = jsonUintIf(b, "anonymous", m.Anon)
	b = jsonUintIf(b, "file", m.File)
	b = jsonUintIf(b, "shared", m.Shmem)
	b = jsonUintIf(b, "data", m.Data)
	b = jsonUintIf(b, "stack", m.Stack)
	b = jsonUintIf(b, "text", m.Text)
	b = jsonUintIf(b, "libraries", m.Lib)
	return append(jsonUintIf(b, "swap", m.Swap), '}')
}

func appendIO(b []byte, v *IO) []byte {
	b = jsonUint(append(b, '{'), "rchar", v.ReadChars)
	b = jsonUint(b, "wchar", v.WriteChars)
	b = jsonUint(b, "syscr", v.ReadCalls)
	b = jsonUint(b, "syscw", v.WriteCalls)
	b = jsonUint(b, "read_bytes", v.ReadBytes)
	b = jsonUint(b, "write_bytes", v.WriteBytes)
	return append(jsonUint(b, "cancelled_write_bytes", v.CancelledBytes), '}')
}
