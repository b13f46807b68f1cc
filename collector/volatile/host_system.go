package volatile

// ownSystem is what a system tells of itself by calls and not by files. Where a system
// says nothing its fields are empty: Linux, of which all is in files.
type ownSystem struct {
	identity   Identity // without what the others have
	hardware   HardwareRow
	zone       ZoneRow
	boot       BootRow
	hypervisor string // vendor's own name, "" if none was seen
}
