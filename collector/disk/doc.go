// Package disk takes from a host the files that definitions of artefacts name, and
// trees that the responder asks for, without changing anything on it.
//
// Its items, documented row by row in SCHEMA.md:
//
//   - disk/files.jsonl: one row for every file found, with what came of it
//   - disk/files/<path>: contents, byte for byte
//   - disk/files/@again/<path>: a set of files that changed while it was read, once more
//   - disk/files/@extents/<path>.jsonl: where the data of a large sparse file belongs
//   - disk/unreadable.jsonl: the parts of files that could not be read
//   - disk/artifacts.jsonl: one row for every definition
//
// The way of a file: find.go asks package artifact what the definitions name, and
// dedupes; sets.go puts what a database keeps open together; plan.go decides what the
// limits and the budget allow, and in which order; take.go puts the files into the
// archive, by two workers, and writes the rows; read.go reads one file. tree.go walks
// the trees. watch.go sees what does not answer.
//
// Begin with Disk and Options in disk.go.
package disk
