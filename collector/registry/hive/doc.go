// Package hive reads registry hives: files in the format "regf", which Windows keeps in
// System32\config and in the profiles. It is after Maxim Suhanov's "Windows registry
// file format specification" (https://github.com/msuhanov/regf) and libyal's "Windows NT
// Registry File (REGF) format" (https://github.com/libyal/libregf). Nothing is written:
// what the transaction logs of a dirty hive hold is laid over it in memory.
//
// A hive is hostile: sizes lie, lists go in circles, a key is in two lists. Whatever is
// read is bounded by the file, each damage is named with its offset, and what can be
// read is given. No key is given below itself, and none below two keys, so that a walk
// through all of them ends.
//
// Begin with Open and Hive.Root; base.go has the head of a file, log.go what logs do,
// key.go keys, value.go values, damage.go what is wrong.
package hive
