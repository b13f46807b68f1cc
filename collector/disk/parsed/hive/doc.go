// Package hive makes rows of registry hives: one for each key with its values, deleted
// ones too, and one for the file itself, which says whether it was whole and what its
// transaction logs were applied. Package collector/registry/hive reads the files.
//
// Begin with Format.
package hive
