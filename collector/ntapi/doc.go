// Package ntapi reads what ntdll of a live Windows tells: processes, threads, handles,
// modules, memory, tokens and loaded drivers. It gives what the system said; what that
// means is for the collectors.
//
// Begin with QuerySystem (one answer about the whole system), Processes (who is there) and
// Open, which gives an Opened: one process that stays the same when its number is used again.
// Everything that the system writes is an Answer, a copied buffer with the address it was
// written at: the parsers look up its pointers in the copy and follow none. What lies in the
// memory of a process is read through an io.ReaderAt whose offsets are addresses, so that
// the same parser reads a live process, a dump and a fixture.
//
//	answer.go                 a buffer of the system, read with bounds
//	status_windows.go         which NTSTATUS means what to us
//	class.go                  the numbers of what can be asked
//	process.go, thread.go     NtQuerySystemInformation: the processes and their threads
//	handle.go, driver.go      the same: handles and their types, drivers in the kernel
//	system.go                 the same: boot time, code integrity, debugger, Secure Boot
//	processinfo.go            NtQueryInformationProcess: one process
//	peb.go, parameters.go     what lies in the memory of a process: PEB, its parameters
//	loader.go                 the same: the three lists of the loader
//	region.go                 VirtualQueryEx and NtQueryVirtualMemory: the map of a process
//	memory.go                 reading where pages are missing
//	token.go, sid.go          who a process runs as
//	drives.go                 \Device\HarddiskVolume3 to C:
//
// The _windows.go files fetch the bytes; on other systems their functions say skipped.
// Layouts are those of 64-bit Windows (x64 and arm64 are the same), as published in
// Microsoft's documentation, its public symbols and the headers of the phnt project
// (github.com/winsiderss/phnt), which each comment names by the structure.
package ntapi
