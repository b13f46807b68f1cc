// Package proc reads what proc(5) tells of processes. It gives bytes and what
// the kernel's own formats say; what that means is for the collectors.
package proc
