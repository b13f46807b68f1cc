// Package ntfs reads the NTFS file system of a disk image: files, alternate streams,
// the file system's own files ($MFT, $LogFile, $Extend/$UsnJrnl:$J) and files that a
// running Windows would keep locked, as they lie there. It is a collector.Files.
//
// Begin with Open in fs.go; boot.go, record.go and index.go read the volume's
// structures, stream.go the contents of files, runs.go where they are and how they
// are compressed. The layout is Microsoft's (its documentation of
// STANDARD_INFORMATION, FILE_NAME and the like), and libyal's "New Technologies
// File System (NTFS)" where that is silent.
//
// A journal that was not replayed is not replayed here: $LogFile can be taken and
// says what would have changed. Encrypted files (EFS) come as they lie: encrypted.
package ntfs
