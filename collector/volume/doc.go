// Package volume reads the raw volumes of a live Windows: the sectors below the file
// system, where no lock, no access right of a file and no filter stands before its bytes.
//
// Open gives the NTFS file system of a volume, read by ourselves (package ntfs): files
// that a running Windows keeps locked, and what no ordinary open reaches ($MFT, $LogFile,
// $UsnJrnl:$J, index allocations, hiberfil.sys, pagefile.sys). File opens one of them by
// its name on the host. Volumes lists what is there, with a reason for each volume that
// cannot be read; Collector puts that list, boot sectors and the shadow copies of each
// volume into the archive.
//
// What lies on the disk may be older than what programs see: Windows writes what changed
// some seconds later. We ask it for no flush, because that would change the disk. A
// volume that BitLocker has unlocked comes decrypted; a locked one is recognised.
//
// volume.go has Open, aligned.go makes reads that a volume accepts of any read,
// list.go and disks.go are the lists and the parsers of what the system answers,
// volume_windows.go asks it.
package volume
