// Package usn makes rows of the change journal of an NTFS (or ReFS) volume,
// $Extend\$UsnJrnl:$J: one row for each change, oldest first. SCHEMA.md documents it.
//
// The journal is a sparse file of which all but the last part is a hole: that is not read.
// Records are those of Microsoft's USN_RECORD_V2, _V3 and _V4 (winioctl.h). Where some are
// damaged, the next whole one is looked for.
//
// Begin with Format in format.go; record.go reads one record.
package usn
