package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/windows"

	"hozen/collector"
	"hozen/collector/memory/minidump"
	memorywin "hozen/collector/memory/onwindows"
	"hozen/collector/ntapi"
	"hozen/collector/utf16"
	"hozen/packager/evidence/fault"
)

// Probes of what indicators, contents and ram ask.

func memoryProbes() []probe {
	return []probe{
		asking("indicators", "NtQueryVirtualMemory", "ntdll.dll as a mapped file of this process", onSelf(ownRegions)),
		asking("indicators", "MemoryWorkingSetExInformation", "that the code of ntdll.dll is shared", onSelf(sharedCode)),
		asking("contents", "GetThreadContext", "registers of a thread of this process", ownThread),
		asking("contents", "minidump of this process", "a dump that reads back as it was", onSelf(ownDump)),
		asking("ram", "WinPmem", "absent, unless the driver runs", pmemDevice),
	}
}

func imageAmong(ctx context.Context, o *ntapi.Opened, name string) (string, error) {
	all, err := o.Regions(ctx, 1<<16)
	if err != nil {
		return fmt.Sprintf("%d regions", len(all)), err
	}
	i := slices.IndexFunc(all, func(r ntapi.Region) bool {
		return r.Type == ntapi.MemImage && r.Executable() && strings.HasSuffix(strings.ToLower(r.File), name)
	})
	if i < 0 {
		return fmt.Sprintf("%d regions", len(all)), fmt.Errorf("none is code of %s", name)
	}
	return fmt.Sprintf("%d regions; %s at %#x", len(all), all[i].File, all[i].AllocationBase), nil
}

func ownRegions(o *ntapi.Opened) (string, error) {
	return imageAmong(context.Background(), o, `\ntdll.dll`)
}

func ntdllCode(o *ntapi.Opened) (uint64, error) {
	all, err := o.Regions(context.Background(), 1<<16)
	for _, r := range all {
		if r.Type == ntapi.MemImage && r.Executable() && strings.HasSuffix(strings.ToLower(r.File), `\ntdll.dll`) {
			return r.Base, nil
		}
	}
	return 0, fault.Join(err, errors.New("no code of ntdll.dll"))
}

// MEMORY_WORKING_SET_EX_BLOCK (psapi.h): bit 0 Valid, bit 15 Shared.
func sharedCode(o *ntapi.Opened) (string, error) {
	at, err := ntdllCode(o)
	if err != nil {
		return "", err
	}
	var b [1]byte
	if _, err := o.ReadAt(b[:], int64(at)); err != nil { // so that it is in the working set
		return "", err
	}
	all, err := o.WorkingSet([]uint64{at})
	if err != nil || len(all) != 1 {
		return "", fault.Join(err, errors.New("no answer for the page"))
	}
	seen := fmt.Sprintf("%#x", uint64(all[0]))
	if all[0]&1 == 0 || all[0]>>15&1 == 0 {
		return seen, errors.New("the page is not valid and shared: ntdll.dll was changed in this process, or the bits are others")
	}
	return seen, nil
}

// ownThread asks for the registers of another thread of ours.
func ownThread(context.Context, *collector.Host) (string, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	a, err := ntapi.QuerySystem(ntapi.SystemExtendedProcess, selfTestAnswer)
	if err != nil {
		return "", err
	}
	all, err := ntapi.Processes(a, ntapi.SystemExtendedProcess)
	i := slices.IndexFunc(all, func(p ntapi.Process) bool { return int(p.PID) == os.Getpid() })
	if err != nil || i < 0 {
		return "", fault.Join(err, errors.New("this process is not in the list"))
	}
	for _, t := range all[i].Threads {
		if t.TID == windows.GetCurrentThreadId() {
			continue
		}
		b, at, err := memorywin.Registers(t.TID)
		if err == nil && at == 0 {
			err = errors.New("no instruction pointer")
		}
		return fmt.Sprintf("thread %d %s %s: %d bytes, at %#x", t.TID, t.StateName(), t.WaitReasonName(), len(b), at), err
	}
	return "", fmt.Errorf("this process has %d threads", len(all[i].Threads))
}

func ownDump(o *ntapi.Opened) (string, error) {
	at, err := ntdllCode(o)
	if err != nil {
		return "", err
	}
	const size = 64 << 10
	d := minidump.Dump{Time: time.Now(), System: minidump.System{Architecture: minidump.ArchitectureAMD64, Major: 10},
		Process: minidump.Process{PID: o.PID}, Ranges: []minidump.Range{{Start: at, Size: size}},
		Modules: []minidump.Module{{Base: at, Size: size, Name: utf16Of("ntdll.dll")}}}
	var b bytes.Buffer
	r, err := d.Write(context.Background(), &b, processMemory{o})
	if err != nil {
		return "", err
	}
	f, err := minidump.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		return "", err
	}
	got, want := make([]byte, size), make([]byte, size)
	_, gotErr := f.ReadMemory(got, at)
	_, wantErr := o.ReadAt(want, int64(at))
	seen := fmt.Sprintf("%d bytes, %d unreadable", r.Written, r.Unreadable)
	if gotErr != nil || wantErr != nil || !bytes.Equal(got, want) || f.Process.PID != o.PID || len(f.Modules) != 1 {
		return seen, fault.Join(gotErr, wantErr, errors.New("the dump is not what was in memory"))
	}
	return seen, nil
}

type processMemory struct{ o *ntapi.Opened }

func (m processMemory) ReadMemory(b []byte, at uint64) (int, error) { return m.o.ReadAt(b, int64(at)) }

func utf16Of(s string) []uint16 {
	units, _ := utf16.Units(s)
	return units
}

// pmemDevice opens the driver's device as the collector ram does.
func pmemDevice(context.Context, *collector.Host) (string, error) {
	name, err := windows.UTF16PtrFromString(`\\.\pmem`)
	if err != nil {
		return "", err
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return "", &os.PathError{Op: "open", Path: `\\.\pmem`, Err: err}
	}
	return "opened", windows.CloseHandle(h)
}
