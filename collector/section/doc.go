// Package section writes and reads items of several raw texts: what was read of
// one process, or of one part of the kernel, each under a header that says what
// it is, how long, and what was not read. The form is told in section.go.
package section
