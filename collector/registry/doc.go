// Package registry reads the registry of Windows, of a running system and of the hive
// files of a disk alike: whoever looks for something there is written once. It follows
// names to the end: those that Windows' own tools cannot see (with a NUL in them) are
// given, values are given as they lie there, whatever their type promises.
//
// Begin with Open and Registry.Key:
//
//	reg, err := registry.Open(h)
//	defer reg.Close()
//	k, err := reg.Key(`HKLM\SYSTEM\CurrentControlSet\Services\Tcpip`)
//	defer k.Close()
//	start, err := k.Value("Start")
//	n, err := start.DWORD()
//
// key.go has keys, value.go what is in a value, registry.go the roots and how a name is
// found, users.go whose registries there are, offline.go the hive files of a disk,
// live_windows.go the running system. Package hive reads the files.
package registry
