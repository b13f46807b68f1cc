// Package layout reads the structures of NTFS from bytes: records of the MFT with their
// attributes, names, nodes of indexes, runs of clusters. It is what the file system of
// package ntfs and the rows of collector/disk/parsed are made from.
//
// The layout is Microsoft's ("MFT_SEGMENT_REFERENCE", "FILE_RECORD_SEGMENT_HEADER",
// "ATTRIBUTE_RECORD_HEADER", "STANDARD_INFORMATION", "FILE_NAME" of its file system
// documentation, and [MS-FSCC]), and libyal's "New Technologies File System (NTFS)"
// where that is silent. All numbers are little-endian; all bytes are taken to be hostile.
//
// Begin with ParseRecord in record.go; index.go has indexes, names.go what an attribute
// FILE_NAME or STANDARD_INFORMATION holds, runs.go where clusters are.
package layout
