// Package proc reads what proc(5) tells of processes. It gives bytes and what
// the kernel's own formats say; what that means is for the collectors.
//
// Begin with PIDs (who is there) and Open, which gives a Dir: one process's
// directory, that stays with the process when its number is used again. A Pool
// reads many processes ahead and leaves those behind that never answer.
//
//	dir.go, links_linux.go    the numbers and links in a directory of /proc
//	process.go, pool.go       one process, and many
//	stat.go, maps.go          parsers: stat, maps; smaps.go, mountinfo.go, container.go (cgroup)
//	number.go, escape.go      decimal numbers; octal escapes and long texts
//	memory.go, pagemap.go     the memory of a process, and the state of its pages
//	covered.go                processes hidden beneath a mount
package proc
