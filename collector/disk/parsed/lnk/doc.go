// Package lnk reads shortcuts (*.lnk), which Windows also makes of each file that is
// opened: where the file was, on which drive or share, its size and times then, and on
// which machine it was made.
//
// Begin with Read. link.go reads the whole, target.go where it leads (LinkInfo),
// extra.go the blocks behind it, items.go the list of shell items. Layout: [MS-SHLLINK];
// of shell items, which it leaves open, libyal's "Windows Shell Item format".
package lnk
