package packager

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/klauspost/compress/zstd"

	"hozen/packager/signed"
)

// swapFrame replaces the data frame at place i (0 is the first) by its contents changed.
func swapFrame(name string, i int, edit func([]byte) []byte) tamper {
	return tamper{name, Invalid, func(t *testing.T, w *world, c *change) {
		at := w.of(frameData)[i]
		c.archive = w.edited(func(f []*frame) []*frame {
			f[at] = recompressed(t, f[at], zstd.SpeedFastest, edit)
			return f
		})
	}}
}

func byteTampers() []tamper {
	return []tamper{
		{"garbage appended", Invalid, func(_ *testing.T, w *world, c *change) { c.archive = append(c.archive, "garbage"...) }},
		{"zeros and then garbage appended", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = append(append(c.archive, make([]byte, 70000)...), 'x')
		}},
		{"second archive appended", Invalid, func(_ *testing.T, w *world, c *change) { c.archive = append(c.archive, w.other...) }},
		{"the same archive appended", Invalid, func(_ *testing.T, w *world, c *change) { c.archive = append(c.archive, w.archive...) }},
		{"garbage before", Invalid, func(_ *testing.T, w *world, c *change) { c.archive = append([]byte("x"), c.archive...) }},
		{"seek table altered", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive[w.frames[w.of(frameSeekTable)[0]].off+12]++
		}},
		{"hint altered", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = bytes.Replace(c.archive, []byte("hozen-end "), []byte("hozen-END "), 1)
		}},
		swapFrame("contents changed", 1, replaceIn("line 1", "line 7")),
		swapFrame("contents and records changed", 1, func(b []byte) []byte {
			b = bytes.Replace(b, []byte("line 1"), []byte("line 7"), 1)
			return bytes.ReplaceAll(b, []byte(`"outcome":"collected"`), []byte(`"outcome":"skipped"  `))
		}),
		swapFrame("contents and manifest changed", 1, func(b []byte) []byte {
			was, is := signed.HexSum([]byte("A")), signed.HexSum([]byte("Z"))
			b = bytes.Replace(b, append([]byte("A"), make([]byte, 511)...), append([]byte("Z"), make([]byte, 511)...), 1)
			return bytes.ReplaceAll(b, []byte(was), []byte(is))
		}),
		{"recompressed at another level", Invalid, func(t *testing.T, w *world, c *change) {
			at := w.of(frameData)[1]
			f := recompressed(t, w.frames[at], zstd.SpeedBestCompression, same)
			if bytes.Equal(f.bytes, w.frames[at].bytes) {
				t.Fatal("the same bytes")
			}
			c.archive = w.edited(func(l []*frame) []*frame { l[at] = f; return l })
		}},
		swapFrame("member renamed", 1, replaceIn("item-1.txt", "item-9.txt")),
		swapFrame("mode changed", 1, replaceIn("0000444\x00", "0000755\x00")),
		swapFrame("owner changed", 1, replaceIn("0000444\x000000000", "0000444\x000001750")),
		swapFrame("bytes after the end of tar", 2, func(b []byte) []byte { return append(b, make([]byte, 1024)...) }),
		swapFrame("member removed", 1, func(b []byte) []byte { return b[2*tarBlock:] }),
		swapFrame("member added", 1, func(b []byte) []byte {
			return append(append(header(forgedID+"/data/planted", 0, testTime.Unix()), nil...), b...)
		}),
	}
}

func frameTampers() []tamper {
	list := []tamper{
		{"data frame removed", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame { return without(f, w.of(frameData)[1], w.of(frameData)[1]+1) })
		}},
		{"data frame removed when the log is there", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive, c.o.Log = w.edited(func(f []*frame) []*frame { return without(f, w.of(frameData)[2], w.of(frameData)[2]+1) }), w.log
		}},
		{"data frames swapped", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame {
				a, b := w.of(frameData)[0], w.of(frameData)[1]
				f[a], f[b] = f[b], f[a]
				return f
			})
		}},
		{"data frame twice", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame { return insert(f, w.of(frameData)[1], f[w.of(frameData)[1]]) })
		}},
		{"statement removed", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame { return without(f, w.of(frameStored)[1], w.of(frameStored)[1]+1) })
		}},
		{"marker removed", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame { return without(f, w.of(frameMarker)[0], w.of(frameMarker)[0]+1) })
		}},
		{"marker twice", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame { return insert(f, w.of(frameMarker)[0], f[w.of(frameMarker)[0]]) })
		}},
		{"seal removed but not what follows it", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame { return without(f, w.of(frameHint)[0]-1, w.of(frameHint)[0]) })
		}},
		{"statement as a compressed frame", Invalid, func(t *testing.T, w *world, c *change) {
			at := w.of(frameStored)[1]
			c.archive = w.edited(func(f []*frame) []*frame {
				f[at] = recompressed(t, f[at], zstd.SpeedFastest, same)
				return f
			})
		}},
		{"statement in smaller raw blocks", Invalid, func(_ *testing.T, w *world, c *change) {
			at := w.of(frameStored)[1]
			c.archive = w.edited(func(f []*frame) []*frame { f[at] = raw(smallBlocks(f[at].plain)); return f })
		}},
		{"segment removed", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame {
				n := len(segmentFrames(f, 1))
				return without(f, n, n+len(segmentFrames(f, 2)))
			})
		}},
		{"segments swapped", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame {
				a, b := segmentFrames(f, 1), segmentFrames(f, 2)
				return append(append(append([]*frame(nil), b...), a...), f[len(a)+len(b):]...)
			})
		}},
		{"segment replayed", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame {
				return insert(f, len(segmentFrames(f, 1))+len(segmentFrames(f, 2)), segmentFrames(f, 2)...)
			})
		}},
		{"segment of another collection spliced in", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame {
				return insert(f, len(segmentFrames(f, 1)), segmentFrames(w.otherRows, 2)...)
			})
		}},
		{"segment of another collection instead", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame {
				n := len(segmentFrames(f, 1))
				return append(append(append([]*frame(nil), f[:n]...), segmentFrames(w.otherRows, 2)...), f[n+len(segmentFrames(f, 2)):]...)
			})
		}},
		{"seal of another archive", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive = w.edited(func(f []*frame) []*frame {
				f[w.of(frameHint)[0]-1] = w.otherRows[len(w.otherRows)-3]
				return f
			})
		}},
		{"end of another archive", ValidPartial, func(_ *testing.T, w *world, c *change) {
			// Nothing of this archive's own is left after the cut: the honest word is "interrupted".
			c.archive = append(joinFrames(w.frames[:w.of(frameHint)[0]-1]), joinFrames(w.otherRows[len(w.otherRows)-3:])...)
		}},
	}
	for _, magic := range []uint32{0x184D2A50, magicMarker, magicHint, magicSeekTable} {
		for _, place := range []int{0, 1, 3} {
			list = append(list, tamper{fmt.Sprintf("hidden data in skippable frame %08x at %d", magic, place), Invalid, func(_ *testing.T, w *world, c *change) {
				c.archive = w.edited(func(f []*frame) []*frame { return insert(f, place, raw(skippable(magic, []byte("hidden")))) })
			}})
		}
	}
	return list
}

// smallBlocks is a stored frame in another form than the canonical one.
func smallBlocks(content []byte) []byte {
	b := append([]byte(nil), storedFrame(content)[:9]...)
	for len(content) > 0 {
		n, last := min(len(content), 700), 0
		if n == len(content) {
			last = 1
		}
		head := n<<3 | last
		b = append(append(b, byte(head), byte(head>>8), byte(head>>16)), content[:n]...)
		content = content[n:]
	}
	return b
}
