// Package mft makes rows of $MFT, the table of all files of an NTFS volume: one row for
// each file and directory that is there, and for each that was deleted and whose record
// was not used again. SCHEMA.md documents the row.
//
// The table is read twice: first for the names of directories, which become paths
// (paths.go; package usn uses them, too), and for records that belong to others; then
// for the rows (record.go). Damaged records have rows of what can be read of them.
//
// Begin with Format in format.go.
package mft
