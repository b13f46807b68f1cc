// Package rpmdb reads the database of rpm: the headers of installed packages. It reads
// bytes through an io.ReaderAt, with bounds, and trusts none of them.
//
// Begin with SQLite (sqlite.go, wal.go; rpm 4.16 and later) or NDB (ndb.go; SUSE), which
// give the headers; then Header (header.go), which says what is in one.
package rpmdb

import "errors"

// ErrDamaged is wrapped by errors about bytes that are not what the format allows.
var ErrDamaged = errors.New("damaged")

// Bounds of a database.
const (
	maxBlob  = 256 << 20 // one header: rpm's own limit (HEADER_DATA_MAX)
	maxPages = 1 << 24
	maxDepth = 32
)
