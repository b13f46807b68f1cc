// Package onwindows takes what dies when the power goes from a live Windows: the
// collectors of package volatile, by the same names, so that profiles, jobs and plans
// have one vocabulary. Each collector asks documented calls of Windows, keeps what they
// answer byte for byte, and makes rows of it. It starts no program and no service,
// loads no driver, asks no other machine, resolves no name and writes nothing.
//
// Each collector puts below "volatile/" a main table NAME.jsonl and in the folder NAME/
// more tables and the raw answers (".bin"; SCHEMA.md says their forms). Where the table
// is the same thing as on Linux, its path and the words of its fields are the same.
// On a host that is only files (--root) the collectors of package volatile do the work.
//
// # Contents
//
// All files of a subject begin with its name; the first one has the collector.
//
//	sockets    TCP and UDP with owners, named pipes: sockets.go; sockets_parse.go (rows)
//	processes  every process with threads, modules, map and handles; loaded drivers:
//	           process.go (what is asked first), process_put.go (what is put, in order),
//	           process_read.go and process_modules.go (one process), process_subject.go (who
//	           is asked, and how it is recorded), process_handles.go, process_image.go,
//	           process_row.go (the rows)
//
// answers.go is what they share: an answer is asked for, kept, and read. Files ending in
// _windows.go only fetch bytes; what they fetch is read by neutral files, which are
// tested and fuzzed on every system. Package winsys has the few facts that the agent's
// screen needs, too: who this host is, and which disks lock at power-off.
//
// # Limits
//
// Every row is what the kernel or a service was willing to say; a rootkit in the kernel
// can lie to all of these calls.
package onwindows
