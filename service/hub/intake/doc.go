// Package intake takes archives in: parts, in order; then the whole is verified, stored,
// and receipted; then, and only then, the parts are removed. Every step can be broken
// off by a kill and is taken up again. Begin with Intake; life of an archive:
//
//   - part.go: a part is checked and stored in the stream of parts; it is acknowledged when it is durable
//   - commit.go: the sender says that both files are whole; that is written down, and the work queued
//   - work.go: hash, verification, final store, receipt; in this order, each durable before the next
//   - parts.go: what has arrived, kept in memory, read again from the stream at the start
//
// Memory is bounded: for each part that has no receipt yet a few bytes, and one part at
// a time of what is read.
package intake
