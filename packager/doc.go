// Package packager makes, reads and proves the evidence archive. It holds
// everything that an auditor must read, and imports no collector and no network.
// FORMAT.md beside this file is the normative text; audit.sh is a second verifier
// that shares no line with this one.
//
// The life of an archive, in order:
//
//  1. Create (writer.go) opens <id>.tar.zst.partial and <id>.custody.jsonl, and
//     writes the bag declaration, the genesis statement, signed by the device
//     key (key.go, statement.go; package signed: how everything is signed), and the job
//     that asked for it, if one did (job.go). Where it is written is disk.go, and past the page cache of the machine, where that can be, direct.go.
//  2. Put (put.go) runs a collector's fill, hashes the bytes, and appends a member
//     under a name that is safe everywhere (name.go, tar.go). The tar stream goes
//     through 1 MiB frames and parallel compression (frame.go, compress.go).
//  3. Checkpoint (checkpoint.go) writes the records and the manifest of the segment,
//     and a statement signed by this checkpoint's own key that commits to every byte
//     before it and announces the next key; it is flushed, and then told to the
//     custody log (custody.go). What else happens to an archive, then and later, is told
//     to that log by event.go, a hub's receipt by receipt.go.
//     The archive is written past the page cache (direct.go). While memory itself is
//     taken no private key is in it (blackout.go; package secret keeps the keys).
//     If it names recipients, all of it goes through age (vault.go; package cipher).
//  4. Seal (seal.go) writes the bag's manifests and the last statement, and renames
//     the file to <id>.tar.zst. After a crash, Recover (recover.go) does what can
//     still be done: it says what is authentic, and never calls it whole.
//  5. Verify (verify.go, segment.go, reader.go) gives one verdict in one pass, of which come
//     the hashes that the log asks for, too (stored.go), with a
//     second over items that have SHA-1 and MD5 for old lists (oldhash.go, oldcheck.go);
//     Extract (extract.go) and Open (open.go) hand out only what it authenticated.
//     Of what is encrypted and not opened, the log tells (outside.go); one item alone is item.go; what was encrypted anew, anew.go.
//     The events of people (vocabulary.go) are held against each other in gaps.go, a log
//     without its archive in logalone.go, copies of one in logcompare.go.
//     Who is believed is in trust.go; how much of anything is accepted, in limits.go.
package packager
