// Package minidump writes the memory of a process in the form that Microsoft
// documents in minidumpapiset.h and that WinDbg, Visual Studio and lldb open, and
// reads it again. It is neutral: what it writes was read by others, on Windows.
//
// A dump is written from its first byte to its last, without going back: Dump.plan
// (layout.go) computes where everything will lie before the first byte is written,
// and memory that cannot be read any more becomes zeros, which are counted. So the
// form is always whole, and fits an archive that is a stream.
//
// Begin with Dump in dump.go; streams.go has the streams, read.go the reader.
package minidump
