// Package onwindows looks on a live Windows for signs of what lives in memory only,
// and takes the memory that dies with its process: the collectors "indicators" and
// "contents", as the packages of these names do on Linux. Rows, levels and paths are
// the same (memory.Indicator, memory/indicators.jsonl); SCHEMA.md of package memory
// lists the kinds.
//
// Where to begin: checks.go has THE lists of checks; indicators.go is the collector;
// process.go what a process check is given, survey.go what a host check is given,
// finding.go what both report. Each other file is a check or serves some: map_*.go
// the address space, pe*.go images in files and memory against each other,
// identity*.go what a process says it is, handle.go who holds whom, hidden.go views
// of the whole host, driver*.go the kernel's drivers. contents.go and dump.go take
// regions and minidumps.
//
// All of that is neutral: it works on what package ntapi has parsed. live_windows.go
// asks the system; on others the collectors say skipped.
//
// # What explains a sign
//
// Never a name alone. An explanation is a fact of this process: the engine that makes
// code is mapped as an image, from a file in a place where only administrators write,
// and the file is what is mapped (map_engine.go, place.go). What the file of an image
// says itself (pages that it declares writable, places that its loader is to change)
// is no difference at all (pe_expect.go, pe_dynamic.go).
package onwindows
