package minidump

import "time"

// streams lists what is written, in order. The memory list is the last, so that
// the memory follows it.
func (d *Dump) streams() []stream {
	list := []stream{
		{streamSystem, d.writeSystem},
		{streamMisc, d.writeMisc},
		{streamThreads, d.writeThreads},
		{streamThreadInfo, d.writeThreadInfo},
		{streamModules, d.writeModules},
	}
	if len(d.Handles) > 0 {
		list = append(list, stream{streamHandles, d.writeHandles})
	}
	return append(list, stream{streamAreas, d.writeAreas}, stream{streamMemory64, d.writeMemory})
}

const (
	systemSize     = 56
	miscSize       = 24
	threadSize     = 48
	threadInfoSize = 64
	moduleSize     = 108
	areaSize       = 48
	handleSize     = 32
	rangeSize      = 16
)

// streamStart gives where the stream itself begins, behind the strings and contexts
// that it points to: its size is known, and it ends where the layout ends.
func (l *layout) streamStart(kind uint32, start int, d *Dump) int {
	size := 0
	switch kind {
	case streamSystem:
		size = systemSize
	case streamThreads:
		size = 4 + threadSize*len(d.Threads)
	case streamModules:
		size = 4 + moduleSize*len(d.Modules)
	case streamHandles:
		size = 16 + handleSize*len(d.Handles)
	default:
		return start
	}
	return len(l.b) - size
}

// writeSystem writes MINIDUMP_SYSTEM_INFO.
func (d *Dump) writeSystem(l *layout) {
	pack := l.place(d.System.ServicePack)
	l.align(8)
	s := d.System
	l.u16(s.Architecture)
	l.u16(s.Level)
	l.u16(s.Revision)
	l.u8(s.Processors)
	l.u8(s.ProductType)
	l.u32(s.Major)
	l.u32(s.Minor)
	l.u32(s.Build)
	l.u32(2) // VER_PLATFORM_WIN32_NT
	l.u32(pack)
	l.u16(0) // SuiteMask
	l.u16(0)
	l.zeros(24) // CPU_INFORMATION: not known
}

// writeMisc writes MINIDUMP_MISC_INFO.
func (d *Dump) writeMisc(l *layout) {
	p := d.Process
	l.u32(miscSize)
	l.u32(1 | 2) // MINIDUMP_MISC1_PROCESS_ID, MINIDUMP_MISC1_PROCESS_TIMES
	l.u32(p.PID)
	l.u32(seconds(p.Created.Unix()))
	l.u32(seconds(int64(p.User / time.Second)))
	l.u32(seconds(int64(p.Kernel / time.Second)))
}

// writeThreads writes MINIDUMP_THREAD_LIST. The place of a stack is 0, for it is in
// the list of memory.
func (d *Dump) writeThreads(l *layout) {
	type place struct{ size, at uint32 }
	places := make([]place, len(d.Threads))
	for i, t := range d.Threads {
		places[i].size, places[i].at = l.blob(t.Context)
	}
	l.align(4)
	l.u32(uint32(len(d.Threads)))
	for i, t := range d.Threads {
		l.u32(t.ID)
		l.u32(t.SuspendCount)
		l.u32(t.PriorityClass)
		l.u32(t.Priority)
		l.u64(t.TEB)
		stack := uint64(0)
		if t.StackAt < t.StackStart && t.StackStart-t.StackAt < 1<<31 {
			stack = t.StackStart - t.StackAt
		}
		l.u64(t.StackAt)
		l.u32(uint32(stack))
		l.u32(0)
		l.u32(places[i].size)
		l.u32(places[i].at)
	}
}

// writeThreadInfo writes MINIDUMP_THREAD_INFO_LIST.
func (d *Dump) writeThreadInfo(l *layout) {
	l.u32(12)
	l.u32(threadInfoSize)
	l.u32(uint32(len(d.Threads)))
	for _, t := range d.Threads {
		l.u32(t.ID)
		l.u32(0)     // DumpFlags
		l.u32(0)     // DumpError
		l.u32(0x103) // ExitStatus: STILL_ACTIVE
		l.u64(t.Created)
		l.u64(0) // ExitTime
		l.u64(t.Kernel)
		l.u64(t.User)
		l.u64(t.Start)
		l.u64(0) // Affinity: not known
	}
}

// writeModules writes MINIDUMP_MODULE_LIST.
func (d *Dump) writeModules(l *layout) {
	names := make([]uint32, len(d.Modules))
	for i, m := range d.Modules {
		name := m.Name
		if len(name) == 0 {
			name = []uint16{'?'}
		}
		names[i] = l.text(name)
	}
	l.align(4)
	l.u32(uint32(len(d.Modules)))
	for i, m := range d.Modules {
		l.u64(m.Base)
		l.u32(m.Size)
		l.u32(m.CheckSum)
		l.u32(m.TimeStamp)
		l.u32(names[i])
		l.zeros(52) // VS_FIXEDFILEINFO: without its signature, not there
		l.zeros(16) // CvRecord, MiscRecord: the headers are in the memory
		l.zeros(16)
	}
}

// writeHandles writes MINIDUMP_HANDLE_DATA_STREAM.
func (d *Dump) writeHandles(l *layout) {
	type names struct{ kind, name uint32 }
	places := make([]names, len(d.Handles))
	kinds := map[string]uint32{}
	for i, h := range d.Handles {
		key := string(utf16Bytes(h.Type))
		if _, ok := kinds[key]; !ok {
			kinds[key] = l.text(h.Type)
		}
		places[i] = names{kinds[key], l.text(h.Name)}
	}
	l.align(8)
	l.u32(16)
	l.u32(handleSize)
	l.u32(uint32(len(d.Handles)))
	l.u32(0)
	for i, h := range d.Handles {
		l.u64(h.Handle)
		l.u32(places[i].kind)
		l.u32(places[i].name)
		l.u32(h.Attributes)
		l.u32(h.Access)
		l.u32(0) // HandleCount
		l.u32(0) // PointerCount
	}
}

func utf16Bytes(s []uint16) []byte {
	var l layout
	for _, c := range s {
		l.u16(c)
	}
	return l.b
}

// writeAreas writes MINIDUMP_MEMORY_INFO_LIST.
func (d *Dump) writeAreas(l *layout) {
	l.u32(16)
	l.u32(areaSize)
	l.u64(uint64(len(d.Areas)))
	for _, a := range d.Areas {
		l.u64(a.Base)
		l.u64(a.AllocationBase)
		l.u32(a.AllocationProtect)
		l.u32(0)
		l.u64(a.Size)
		l.u32(a.State)
		l.u32(a.Protect)
		l.u32(a.Type)
		l.u32(0)
	}
}

// writeMemory writes MINIDUMP_MEMORY64_LIST; plan fills in its BaseRva.
func (d *Dump) writeMemory(l *layout) {
	l.u64(uint64(len(d.Ranges)))
	l.u64(0)
	for _, r := range d.Ranges {
		l.u64(r.Start)
		l.u64(r.Size)
	}
}
