package minidump

import "time"

func (f *File) readSystem(b *fields) {
	s := &f.System
	s.Architecture, s.Level, s.Revision = b.u16(), b.u16(), b.u16()
	two := b.take(2)
	s.Processors, s.ProductType = two[0], two[1]
	s.Major, s.Minor, s.Build = b.u32(), b.u32(), b.u32()
	b.u32()
	s.ServicePack = b.text(b.u32())
}

func (f *File) readMisc(b *fields) {
	b.u32()
	flags := b.u32()
	p := &f.Process
	p.PID = b.u32()
	created, user, kernel := b.u32(), b.u32(), b.u32()
	if flags&2 != 0 {
		p.Created = time.Unix(int64(created), 0).UTC()
		p.User, p.Kernel = time.Duration(user)*time.Second, time.Duration(kernel)*time.Second
	}
}

func (f *File) readThreads(b *fields) {
	n := b.count(uint64(b.u32()), threadSize)
	for range n {
		t := Thread{ID: b.u32(), SuspendCount: b.u32(), PriorityClass: b.u32(), Priority: b.u32(), TEB: b.u64(), StackAt: b.u64()}
		t.StackStart = t.StackAt + uint64(b.u32())
		b.u32()
		size, at := b.u32(), b.u32()
		if size > maxContext {
			b.bad = "a context is too long"
			return
		}
		t.Context = make([]byte, size)
		if _, err := f.r.ReadAt(t.Context, int64(at)); err != nil && size > 0 {
			b.bad = "a context is not there"
			return
		}
		f.Threads = append(f.Threads, t)
	}
}

func (f *File) readThreadInfo(b *fields) {
	head, entry := b.u32(), b.u32()
	n := b.entries(head, 12, entry, uint64(b.u32()), threadInfoSize)
	at := map[uint32]int{}
	for i, t := range f.Threads {
		at[t.ID] = i
	}
	for range n {
		e := &fields{b: b.take(int(entry))}
		id := e.u32()
		e.take(12)
		created := e.u64()
		e.u64()
		kernel, user, start := e.u64(), e.u64(), e.u64()
		if i, ok := at[id]; ok {
			t := &f.Threads[i]
			t.Created, t.Kernel, t.User, t.Start = created, kernel, user, start
		}
	}
}

func (f *File) readModules(b *fields) {
	n := b.count(uint64(b.u32()), moduleSize)
	for range n {
		m := Module{Base: b.u64(), Size: b.u32(), CheckSum: b.u32(), TimeStamp: b.u32()}
		m.Name = b.text(b.u32())
		b.take(moduleSize - 24)
		f.Modules = append(f.Modules, m)
	}
}

func (f *File) readAreas(b *fields) {
	head, entry := b.u32(), b.u32()
	n := b.entries(head, 16, entry, b.u64(), areaSize)
	for range n {
		e := &fields{b: b.take(int(entry))}
		a := Area{Base: e.u64(), AllocationBase: e.u64(), AllocationProtect: e.u32()}
		e.u32()
		a.Size, a.State, a.Protect, a.Type = e.u64(), e.u32(), e.u32(), e.u32()
		f.Areas = append(f.Areas, a)
	}
}

func (f *File) readHandles(b *fields) {
	head, entry := b.u32(), b.u32()
	n := b.entries(head, 12, entry, uint64(b.u32()), handleSize)
	for range n {
		e := &fields{b: b.take(int(entry)), f: f}
		h := Handle{Handle: e.u64()}
		h.Type, h.Name = e.text(e.u32()), e.text(e.u32())
		h.Attributes, h.Access = e.u32(), e.u32()
		if f.Handles = append(f.Handles, h); e.bad != "" {
			b.bad = e.bad
			return
		}
	}
}

func (f *File) readMemory(b *fields, size int64) {
	count, at := b.u64(), b.u64()
	n := b.count(count, rangeSize)
	for range n {
		r := Range{b.u64(), b.u64()}
		if at > uint64(size) || r.Size > uint64(size)-at || r.Start+r.Size < r.Start {
			b.bad = "memory lies behind the end of the file"
			return
		}
		f.Ranges = append(f.Ranges, r)
		f.Places = append(f.Places, int64(at))
		at += r.Size
	}
}

// ReadMemory reads the process's memory from the dump. It gives fewer bytes, and
// an error, where the dump does not have them.
func (f *File) ReadMemory(b []byte, at uint64) (int, error) {
	n := 0
	for i, r := range f.Ranges {
		if n < len(b) && at >= r.Start && at-r.Start < r.Size {
			want := b[n:min(len(b), n+int(min(r.Size-(at-r.Start), uint64(len(b)))))]
			k, err := f.r.ReadAt(want, f.Places[i]+int64(at-r.Start))
			n, at = n+k, at+uint64(k)
			if err != nil && k < len(want) {
				return n, err
			}
		}
	}
	if n < len(b) {
		return n, damaged("memory at %#x is not in it", at)
	}
	return n, nil
}
