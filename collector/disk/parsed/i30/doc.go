// Package i30 makes rows of the indexes of NTFS directories ($I30:$INDEX_ALLOCATION): one
// row for each name in them, and for each that is left in the space behind the names in
// use: mostly files that were deleted or renamed. SCHEMA.md documents the row.
//
// Names in such slack have no frame that can be relied on: what looks like the value of
// a $FILE_NAME, at the offsets where one can lie, is a row (slack.go); its reference to a
// record may be overwritten, and is left out where it is not likely.
//
// Begin with Format in format.go.
package i30
