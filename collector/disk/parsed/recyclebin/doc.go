// Package recyclebin reads what the Recycle Bin keeps of each thing that was thrown into
// it: where it was, how large, and when it was deleted. $I files (Windows Vista and
// later) describe one thing each, whose contents lie beside it in a $R file of the same
// ending; INFO2 (before Vista) is one list of all.
//
// Begin with Format. Layouts: "Windows Recycle Bin file formats" of libyal's dtformats,
// versions 1 and 2 of $I, versions 4 and 5 of INFO2.
package recyclebin
