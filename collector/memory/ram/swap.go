package ram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"unsafe"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

const (
	swapsName    = "/proc/swaps"
	maxSwaps     = 1 << 10
	maxSwapFails = 1 << 10 // pages of a swap area that fail, before the rest is left
)

// A swapArea is a swap area and what is done with it.
type swapArea struct {
	row  SwapRow
	name string // on the host
}

// swapAreas reads /proc/swaps (mm/swapfile.c, swap_show): a head, then name, type,
// size, used, priority, sizes in KiB, odd bytes of the name as \ooo.
func swapAreas(h *collector.Host, take bool) []swapArea {
	text, _ := h.ReadFile(swapsName, 1<<20)
	areas := parseSwaps(string(text))
	taken := map[string]int{}
	for i := range areas {
		a := &areas[i]
		a.row.Note = swapNote(h, a.name)
		if !take {
			a.row.Note = strings.TrimPrefix(a.row.Note+"; only with --swap", "; ")
			continue
		}
		base := path.Base("/" + a.name)
		if base == "/" {
			base = "area"
		}
		if taken[base]++; taken[base] > 1 {
			base += "-" + strconv.Itoa(taken[base])
		}
		a.row.Path = "memory/ram/swap/" + base
	}
	return areas
}

func parseSwaps(text string) (areas []swapArea) {
	_, text, _ = strings.Cut(text, "\n")
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 || len(areas) >= maxSwaps {
			continue
		}
		size, err1 := strconv.ParseInt(f[2], 10, 53)
		used, err2 := strconv.ParseInt(f[3], 10, 53)
		if err1 != nil || err2 != nil || size < 0 || used < 0 {
			continue
		}
		name := unescape(f[0])
		areas = append(areas, swapArea{SwapRow{
			Kind: "swap", Name: jsonl.Text(name), Type: jsonl.Text(f[1]), Size: size << 10, Used: used << 10, Priority: jsonl.Text(f[4]),
		}, name})
	}
	return areas
}

// unescape undoes \ooo (fs/seq_file.c, mangle_path).
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// swapNote says what is to be known of an area before it is read.
func swapNote(h *collector.Host, name string) string {
	if strings.HasPrefix(name, "/dev/zram") {
		return "zram: its pages lie compressed in RAM, and so in the image; read through the device they are plain"
	}
	if on, _ := h.ReadFile("/sys/module/zswap/parameters/enabled", 16); strings.HasPrefix(string(on), "Y") {
		return "zswap is on: pages in its pool lie compressed in RAM and not here"
	}
	return ""
}

// putSwaps takes the swap areas.
func (t *take) putSwaps(ctx context.Context, to evidence.Sink) error {
	for _, a := range t.swaps {
		if a.row.Path == "" {
			continue
		}
		item := evidence.Item{Path: a.row.Path, Source: a.name}
		item.File, _ = t.h.Lstat(a.name)
		err := to.Put(ctx, item, func(w io.Writer) error { return t.copySwap(ctx, w, &a) })
		if err != nil {
			return err
		}
	}
	return nil
}

// copySwap reads past the page cache: what that has of a swap area may be old, and
// filling it would push out what is being examined.
func (t *take) copySwap(ctx context.Context, w io.Writer, a *swapArea) error {
	f, err := openSwap(t.h, a.name)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	page := t.o.page
	buf := aligned(chunk, page)
	if err := signature(f, buf[:page]); err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	var tally evidence.Tally
	for at := int64(0); at < size; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := readSwap(f, buf[:min(int64(len(buf)), size-at)], at, page, &tally)
		if tally.Count(evidence.Failed) > maxSwapFails {
			return evidence.Cut("%s: %d pages failed: the rest from %d on is left", a.name, maxSwapFails, at)
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		at += int64(n)
	}
	return tally.Err()
}

// readSwap fills b, by pages where a large read fails; a page that cannot be read
// is zeros, and counted.
func readSwap(f io.ReaderAt, b []byte, at int64, page int, tally *evidence.Tally) int {
	n, err := f.ReadAt(b, at)
	if n = n / page * page; err == nil || n == len(b) {
		return len(b)
	}
	for n < len(b) {
		p := b[n:min(n+page, len(b))]
		if k, err := f.ReadAt(p, at+int64(n)); k < len(p) {
			clear(p[k:])
			tally.Add(fmt.Sprintf("bytes from %d on, zeros here", at+int64(n)+int64(k)), errors.New(plain(err)))
		}
		n += len(p)
	}
	return n
}

// signature checks that a file is a swap area: the last ten bytes of its first
// page say so (include/linux/swap.h, union swap_header).
func signature(f io.ReaderAt, first []byte) error {
	if err := readFull(f, first, 0); err != nil {
		return err
	}
	if s := first[len(first)-10:]; !bytes.Equal(s, []byte("SWAPSPACE2")) && !bytes.Equal(s, []byte("SWAP-SPACE")) {
		return evidence.Skip("not read: it does not begin as a swap area does")
	}
	return nil
}

// aligned makes a buffer as O_DIRECT of open(2) wants it.
func aligned(size, to int) []byte {
	b := make([]byte, size+to)
	off := (to - int(uintptr(unsafe.Pointer(&b[0]))%uintptr(to))) % to
	return b[off : off+size : off+size]
}

// notSwap is the error of a name in /proc/swaps that is neither a file nor a block device.
func notSwap(name string) error {
	return &os.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
}
