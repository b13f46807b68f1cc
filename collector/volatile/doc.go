// Package volatile takes what dies when the power goes: the tables that the
// running kernel keeps, and the file systems that live in memory. Its collectors
// start no program, resolve no name, load no module and write nothing.
//
// The collectors, in the order in which the agent runs them, and what each puts
// below "volatile/" (every one has a main table NAME.jsonl or tables in a folder
// NAME/, and what the kernel said, byte for byte, in the folder NAME/):
//
//	host        who and when: clocks at start and end, identity, hardware, our own tool
//	            host.jsonl (a kind per row), host/clock-start.jsonl, host/clock-end.jsonl
//	sockets     every socket of every network namespace, with the pids and fds that hold it
//	network     links, addresses, neighbours, routes, rules, firewall, conntrack, resolver
//	processes   one row per process, with threads, open files, maps and image hashes
//	kernel      modules from three views, eBPF, tracing, sysctls, log, mounts, block devices
//	            kernel.jsonl (a kind per row), kernel/mounts.jsonl, kernel/block.jsonl,
//	            kernel/bpf.jsonl, kernel/log.jsonl, kernel/sysctl.jsonl
//	sessions    who is logged in and was: utmp, logind, multiplexers, ssh
//	containers  containers of docker, containerd, podman and LXC, seen from the files
//	temporary   the trees and contents of tmpfs and ramfs
//
// Each also works on a directory that holds a host's files (collector.Host.Root)
// and says skipped, with the reason, for what only a running kernel can tell.
//
// Where to begin: the file that is named after the collector has its function,
// its plan of items and its rows; a neutral file beside it has the parsers, which
// are tested and fuzzed on every system; the _linux.go file beside that only
// fetches bytes, and _other.go says skipped where there is nothing to fetch.
//
// What a rootkit in the kernel chose to hide stays hidden here: every row is
// what the kernel was willing to say. Where the kernel says the same thing in
// several places (modules, mounts), all views are taken, so that a lie has to be
// told everywhere at once.
package volatile
