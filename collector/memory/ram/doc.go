// Package ram takes physical memory, while the machine runs, into an image in the
// format of LiME, with a map that says of every physical range what came of it.
//
// In the order of a collection: source.go chooses where memory is read (kcore.go,
// kcoremap.go: /proc/kcore; source_linux.go: /dev/crash, /dev/mem), and checks
// that it shows what it should (note.go); cause.go says why a source will not do
// and what helps; iomem.go says which physical ranges are RAM; lime.go lays the
// image out; image.go reads and writes it; pageflags.go names the pages that must
// not be read; smear.go measures how much changed meanwhile; rows.go is the map;
// needed.go takes what is needed to analyse the image; swap.go the swap areas.
// On Windows memory is read through the signed driver WinPmem, if somebody has loaded
// it: winpmem.go reads what it says, winpmem_take.go is the collection,
// source_windows.go its device.
//
// What the kernel itself gives as zeros (memory of memfd_secret(2), pages that
// are not in its direct map) cannot be told from zeros.
package ram
