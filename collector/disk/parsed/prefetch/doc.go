// Package prefetch reads the files in Windows\Prefetch (SCCA, versions 17 of Windows XP,
// 23 of Vista and 7, 26 of 8, 30 of 10, 31 of 11): which program ran, how often, when the
// last time (the last eight times, since Windows 8), and which files it opened in its first
// ten seconds. Since Windows 10 they are compressed: xpress.go has the decompression.
//
// Begin with Read. Layout: libyal's "Windows Prefetch File (PF) format".
package prefetch
