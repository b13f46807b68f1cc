// Package volatile takes what dies when the power goes: the tables that the
// running kernel keeps, and the file systems that live in memory. Its collectors
// start no program, resolve no name, load no module and write nothing.
//
// Each collector puts below "volatile/" a main table NAME.jsonl, more tables in
// the folder NAME/, and in that folder what the kernel said, byte for byte.
// SCHEMA.md lists every table, its kinds of rows, and the Go type that documents
// them. Each also works on a directory that holds a host's files
// (collector.Host.Root) and says skipped, with the reason, for what only a
// running kernel can tell.
//
// # Contents
//
// The collectors, in the order in which the agent runs them. All files of a
// subject begin with its name; the first one has the collector and its plan of items.
//
//	host        who and when: clocks at start and end, identity, hardware, our own tool
//	            host.go; host_clock.go, host_identity.go, host_virtualisation.go, host_tool.go
//	sockets     every socket of every network namespace, with the pids and fds that hold it
//	            sockets.go; sockets_diag*.go (answers of sock_diag), sockets_text.go
//	            (/proc/net), sockets_table.go (the views joined), sockets_row.go (the row);
//	            sockets_read.go gives the rows to other collectors
//	network     links, addresses, neighbours, routes, rules, firewall, conntrack, resolver
//	            network.go; network_parts.go and network_linux.go (what is asked),
//	            network_decode.go (who decodes it), then a file for each thing:
//	            network_link.go, _address, _route, _tc, _nft, _iptables, _ipset, _conntrack;
//	            network_text.go (/proc/net); network_files.go, _resolver, _wifi (files of /etc)
//	processes   one row per process, with threads, open files, maps and image hashes
//	            process.go; process_fetch.go (what is read, in which order), process_parse.go
//	            (rows from the raw text),
//	            process_row.go (the rows), process_json*.go (their JSON, without reflection),
//	            process_image.go (hashes); process_stat.go and others: one parser each
//	kernel      modules from three views, eBPF, tracing, sysctls, log, mounts, block devices
//	            kernel.go; kernel_modules.go, _bpf, _pins, _facts, _log, _mounts, _block,
//	            _sysctl; disks.go (what the responder is told of unlocked disks and of the
//	            disk that is written to)
//	sessions    who is logged in and was: utmp, logind, multiplexers, ssh
//	            sessions.go; sessions_records.go and sessions_utmp.go (login files),
//	            sessions_live.go (logind, terminals, files), sessions_processes.go
//	containers  containers of docker, containerd, podman and LXC, seen from the files
//	            containers.go; containers_parse.go (state files), containers_rows.go
//	            (joined)
//	temporary   the trees and contents of tmpfs and ramfs
//	            temporary.go; temporary_find.go and temporary_mounts.go (which trees),
//	            temporary_walk.go, temporary_rows.go, temporary_contents.go, temporary_limits.go
//
// What they share:
//
//	procscan.go        one pass over all processes: namespaces, holders of sockets
//	netns.go           network namespaces; netns_lookout.go hands them to the next collector
//	hangguard.go       what must not be looked at
//	netlink.go         messages and attributes; netlink_linux.go: the socket
//	kernel_parts.go    whether asking would load a module
//	accounts.go        /etc/passwd and /etc/group
//	fact.go            small texts for the fields of a row
//	hosttext.go        times, numbers and escapes
//
// Package collector/proc reads /proc for them and for other collectors; collector/section
// is the form of items that hold several raw texts.
//
// The _linux.go files only fetch bytes; what they fetch is read by neutral files,
// which are tested and fuzzed on every system. The _other.go files say skipped
// where there is nothing to fetch.
//
// # Limits
//
// What a rootkit in the kernel chose to hide stays hidden here: every row is
// what the kernel was willing to say. Where the kernel says the same thing in
// several places (modules, mounts, sockets), all views are taken, so that a lie
// has to be told everywhere at once.
package volatile
