package indicators

import "hozen/collector/memory"

// The family hidden compares views of the same things: processes, mounts on
// /proc, sockets, files. Nothing is called hidden after one look: the same thing
// must be there before and after a listing that does not show it, several times.
//
//	hidden_process.go   the check of processes: what becomes a row
//	hidden_views.go     views of a pid, looks at it, and what they prove
//	hidden_find.go      which pids are looked at, and the second looks
//	hidden_names.go     lists of the kernel that name processes; hidden_parse.go reads them
//	hidden_mount.go     what is mounted on /proc
//	hidden_socket.go    sockets; hidden_file.go: files

func hiddenKinds() []Kind {
	return []Kind{
		{ID: "hidden-process", Technique: "T1014", Level: memory.High,
			Doc: "a process that some views of the kernel show and others do not, at every one of several looks"},
		{ID: "hidden-thread", Technique: "T1014", Level: memory.High,
			Doc: "a thread that system calls know and the thread list of its process does not show, at every one of several looks"},
		{ID: "hidden-by-mount", Technique: "T1564", Level: memory.High,
			Doc: "something is mounted on /proc, on the directory of a process or on a file in it, and shows other files than the kernel's"},
		{ID: "hidden-by-hidepid", Technique: "T1564", Level: memory.Low,
			Doc:    "/proc is mounted with hidepid: other users' processes are not shown to ordinary users",
			Benign: []string{"a hardened machine"}},
		{ID: "hidden-pid-namespace", Technique: "T1564", Level: memory.Low,
			Doc:    "the search was made in a pid namespace of its own: processes outside it are in no view",
			Benign: []string{"a container"}},
		{ID: "hidden-socket", Technique: "T1014", Level: memory.High,
			Doc: "a socket that one of sock_diag and /proc/net shows and the other does not, at every one of several looks"},
		{ID: "hidden-file", Technique: "T1014", Level: memory.High,
			Doc: "a file that direct lookup finds and the listing of its directory does not show, at every one of several looks"},
	}
}
