package ext4

import "fmt"

const directBlocks = 12

// mapped finds the run that block logical of a file lies in by the old map: twelve
// blocks, then one, two and three levels of blocks of numbers. A number of 0 is a
// hole, as large as what would hang below it.
func (f *FS) mapped(n *inode, logical uint64) (run, error) {
	if logical < directBlocks {
		return f.neighbours(n.block[logical*4:directBlocks*4], 1)
	}
	per := uint64(f.sb.blockSize / 4)
	rest, span := logical-directBlocks, per
	for level := 1; level <= 3; level++ {
		if rest < span {
			block := uint64(le.Uint32(n.block[(directBlocks-1+level)*4:]))
			return f.indirect(block, level, rest, span)
		}
		rest -= span
		span *= per
	}
	return run{}, fmt.Errorf("block %d is more than a block map can hold", logical)
}

// indirect goes down from a block of numbers that stands for span blocks of the file.
func (f *FS) indirect(block uint64, level int, rest, span uint64) (run, error) {
	per := uint64(f.sb.blockSize / 4)
	for ; ; level-- {
		if block == 0 {
			return run{count: span - rest, hole: true}, nil
		}
		b, err := f.readBlock(block)
		if err != nil {
			return run{}, fmt.Errorf("block map: %w", err)
		}
		span /= per
		i := rest / span
		if level == 1 {
			return f.neighbours(b[i*4:], 1)
		}
		rest %= span
		block = uint64(le.Uint32(b[i*4:]))
	}
}

// neighbours gives the run that begins with the first number: numbers that follow
// one another, or holes.
func (f *FS) neighbours(b []byte, count uint64) (run, error) {
	first := uint64(le.Uint32(b))
	for ; int(count)*4 < len(b); count++ {
		next := uint64(le.Uint32(b[count*4:]))
		if first == 0 && next != 0 || first != 0 && next != first+count {
			break
		}
	}
	if first+count > f.sb.blocks && first != 0 {
		return run{}, fmt.Errorf("%d blocks at %d lie beyond the end of the file system", count, first)
	}
	return run{first: first, count: count, hole: first == 0}, nil
}
