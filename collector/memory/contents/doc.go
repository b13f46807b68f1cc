// Package contents takes what dies with its process: images without a file,
// memfds, files that are open but deleted, the regions of memory that indicators
// rest on, and whole processes as ELF cores.
//
//	memory/contents.jsonl                   a Content a line: what was taken of whom
//	memory/contents/DEV-INODE-NAME          an image, memfd or deleted file, once however many hold it
//	memory/contents/@extents/….jsonl        where the parts of a sparse one belong (sparse.Extent)
//	memory/contents/PID-STARTTICK/A-B.bin   a region: addresses A to B in hex, unreadable pages as zeros
//	memory/contents/PID-STARTTICK.core      a whole process (--dump), for gdb and others (core(5))
//
// Where to begin: contents.go is the collector and the order in which things are
// taken, rows.go the row. scan.go finds what is worth taking, files.go and regions.go
// take it, memory.go reads memory for them; core.go plans an ELF core, core_notes.go
// has its notes, dump.go writes it; freeze_linux.go stops a process for as long as it is read, if that was asked for.
//
// Memory is read as it is. It may hold passwords, private keys of SSH and of
// disk encryption, and letters: an archive with it is to be kept like those.
package contents
