// Package ext4 reads ext2, ext3 and ext4 file systems from a disk or an image of
// one, without mounting: nothing is written, no journal is replayed, and what the
// file system says of itself is believed only within bounds.
//
// Begin with Open, then FS, which implements collector.Files. superblock.go has the
// geometry, inode.go the inodes, extent.go and blockmap.go where their contents lie,
// dir.go directories, files.go the names.
//
// It reads block maps and extents, inline data, directories with and without an
// index, 32 and 64 bits, meta_bg, flex_bg, bigalloc, and times up to 2446 with
// nanoseconds. Deleted files and extended attributes are not shown. Files that
// fscrypt encrypted are listed, and cannot be read.
//
// Source: Documentation/filesystems/ext4 of the kernel, and its fs/ext4/ext4.h.
// All numbers on disk are little-endian.
package ext4
