package ntapi

// A Thread is one SYSTEM_THREAD_INFORMATION, with what the extended form adds (phnt,
// ntexapi.h). Addresses are 0 where the system hides or does not tell them.
type Thread struct {
	TID             uint32
	PID             uint32 // as the thread's own CLIENT_ID says
	Created         uint64 // FILETIME
	KernelTime      uint64 // 100 ns
	UserTime        uint64 // 100 ns
	WaitTime        uint32 // ticks
	StartAddress    uint64 // where the kernel began it; mostly RtlUserThreadStart
	Win32Start      uint64 // where the program wanted it to begin; extended classes only
	StackBase       uint64 // of the kernel stack; extended classes only
	StackLimit      uint64
	TEB             uint64 // extended classes only
	Priority        int32
	BasePriority    int32
	ContextSwitches uint32
	State           uint32 // KTHREAD_STATE
	WaitReason      uint32 // KWAIT_REASON; has a meaning only in state 5
}

// The sizes of SYSTEM_THREAD_INFORMATION and SYSTEM_EXTENDED_THREAD_INFORMATION.
const (
	threadPlain    = 0x50
	threadExtended = 0x88
)

func threadSize(class SystemClass) int {
	if class == SystemProcess {
		return threadPlain
	}
	return threadExtended
}

func thread(a Answer, at int, class SystemClass) Thread {
	t := Thread{
		KernelTime: a.u64(at), UserTime: a.u64(at + 0x08), Created: a.u64(at + 0x10), WaitTime: a.u32(at + 0x18),
		StartAddress: a.u64(at + 0x20), PID: uint32(a.u64(at + 0x28)), TID: uint32(a.u64(at + 0x30)),
		Priority: int32(a.u32(at + 0x38)), BasePriority: int32(a.u32(at + 0x3c)), ContextSwitches: a.u32(at + 0x40),
		State: a.u32(at + 0x44), WaitReason: a.u32(at + 0x48),
	}
	if threadSize(class) == threadExtended {
		t.StackBase, t.StackLimit, t.Win32Start, t.TEB = a.u64(at+0x50), a.u64(at+0x58), a.u64(at+0x60), a.u64(at+0x68)
	}
	return t
}

// StateName is the word of KTHREAD_STATE (System.Diagnostics.ThreadState of the .NET
// documentation has the same); "" for a number without one.
func (t *Thread) StateName() string {
	return word(t.State, "initialized", "ready", "running", "standby", "terminated", "waiting", "transition", "deferred ready", "gate wait")
}

// WaitReasonName is the word of KWAIT_REASON (wdm.h), "" where the thread does not wait.
func (t *Thread) WaitReasonName() string {
	if t.State != 5 {
		return ""
	}
	return word(t.WaitReason,
		"Executive", "FreePage", "PageIn", "PoolAllocation", "DelayExecution", "Suspended", "UserRequest",
		"WrExecutive", "WrFreePage", "WrPageIn", "WrPoolAllocation", "WrDelayExecution", "WrSuspended", "WrUserRequest",
		"WrEventPair", "WrQueue", "WrLpcReceive", "WrLpcReply", "WrVirtualMemory", "WrPageOut", "WrRendezvous",
		"WrKeyedEvent", "WrTerminated", "WrProcessInSwap", "WrCpuRateControl", "WrCalloutStack", "WrKernel", "WrResource",
		"WrPushLock", "WrMutex", "WrQuantumEnd", "WrDispatchInt", "WrPreempted", "WrYieldExecution", "WrFastMutex",
		"WrGuardedMutex", "WrRundown", "WrAlertByThreadId", "WrDeferredPreempt", "WrPhysicalFault", "WrIoRing", "WrMdlCache", "WrRcu")
}

// Suspended says whether the thread waits because somebody suspended it.
func (t *Thread) Suspended() bool { return t.State == 5 && (t.WaitReason == 5 || t.WaitReason == 12) }

func word(n uint32, words ...string) string {
	if int64(n) < int64(len(words)) {
		return words[n]
	}
	return ""
}
