package filter

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
)

// A Link says where a frame keeps what the tests look for.
type Link int

// The links.
const (
	Ethernet Link = iota // an Ethernet header
	Raw                  // begins with the IP header
	SLL2                 // LINKTYPE_LINUX_SLL2, as a file has it
	Cooked               // what the kernel filters on a socket of SOCK_DGRAM: begins with the network header, its type is asked of the kernel
)

// Links lists them all.
func Links() []Link { return []Link{Ethernet, Raw, SLL2, Cooked} }

func (l Link) network() uint32 { return [...]uint32{14, 0, 20, 0}[l] }

type (
	constant bool
	linkType uint32 // the type in the link's header is this one
	origin   int
	cond     int
)

// Where the bytes of a test are.
const (
	fromNetwork   origin = iota // behind the link's header
	fromTransport               // behind the IPv4 header
	fromEther                   // from the beginning of an Ethernet header
	fromLength                  // none: the length of the frame
)

const (
	equal cond = iota
	above
	atLeast
	anyBit
)

// A test compares size bytes (big endian), masked if mask is not 0.
type test struct {
	from         origin
	offset, mask uint32
	size         int
	cond         cond
	value        uint32
}

// maxInstructions is BPF_MAXINSNS of the kernel.
const maxInstructions = 4096

// Program compiles the filter. What it returns for a frame that passes is keep,
// the bytes of it that are taken, else 0.
func (f *Filter) Program(l Link, keep uint32) ([]bpf.Instruction, error) {
	// Jumps lead forward only: the code is made from its end, so that the place of
	// what is jumped to is known. back is the program in reverse.
	c := &compiler{link: l}
	c.add(bpf.RetConstant{Val: 0})
	no := c.here()
	c.add(bpf.RetConstant{Val: keep})
	c.node(f.root, c.here(), no)
	if len(c.back) > maxInstructions {
		return nil, fmt.Errorf("too long: %d instructions, of at most %d", len(c.back), maxInstructions)
	}
	slices.Reverse(c.back)
	return c.back, nil
}

type compiler struct {
	link Link
	back []bpf.Instruction
}

// A place is counted from the program's end, so that it stays as code comes before it.
type place int

func (c *compiler) here() place { return place(len(c.back)) }

// Not inlined, for the size of the program.
//
//go:noinline
func (c *compiler) add(i bpf.Instruction) { c.back = append(c.back, i) }

// node makes code that goes on at yes or at no, before the code that is there.
func (c *compiler) node(n node, yes, no place) {
	if len(c.back) > maxInstructions {
		return // Program says so
	}
	switch n := n.(type) {
	case and:
		c.node(n.b, yes, no)
		c.node(n.a, c.here(), no)
	case or:
		c.node(n.b, yes, no)
		c.node(n.a, yes, c.here())
	case not:
		c.node(n.a, no, yes)
	case constant:
		if n {
			c.jump(yes)
		} else {
			c.jump(no)
		}
	case linkType:
		c.linkType(uint32(n), yes, no)
	case test:
		c.test(n, yes, no)
	}
}

// jump makes the code that comes before go on at p.
func (c *compiler) jump(p place) {
	if d := c.here() - p; d > 0 {
		c.add(bpf.Jump{Skip: uint32(d)})
	}
}

func (c *compiler) linkType(typ uint32, yes, no place) {
	switch c.link {
	case Ethernet:
		c.branch(equal, typ, yes, no)
		c.add(bpf.LoadAbsolute{Off: 12, Size: 2})
	case SLL2:
		c.branch(equal, typ, yes, no)
		c.add(bpf.LoadAbsolute{Off: 0, Size: 2})
	case Cooked:
		c.branch(equal, typ, yes, no)
		c.add(bpf.LoadExtension{Num: bpf.ExtProto})
	case Raw:
		version := map[uint32]uint32{0x0800: 0x40, 0x86dd: 0x60}[typ]
		if version == 0 {
			c.jump(no)
			return
		}
		c.branch(equal, version, yes, no)
		c.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0})
		c.add(bpf.LoadAbsolute{Off: 0, Size: 1})
	}
}

func (c *compiler) test(t test, yes, no place) {
	if t.from == fromEther && c.link != Ethernet {
		c.jump(no)
		return
	}
	c.branch(t.cond, t.value, yes, no)
	if t.mask != 0 && t.mask != ^uint32(0) {
		c.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: t.mask})
	}
	switch t.from {
	case fromNetwork:
		c.add(bpf.LoadAbsolute{Off: c.link.network() + t.offset, Size: t.size})
	case fromEther:
		c.add(bpf.LoadAbsolute{Off: t.offset, Size: t.size})
	case fromTransport:
		c.add(bpf.LoadIndirect{Off: c.link.network() + t.offset, Size: t.size})
		c.add(bpf.LoadMemShift{Off: c.link.network()})
	case fromLength:
		c.add(bpf.LoadExtension{Num: bpf.ExtLen})
	}
}

// branch compares the accumulator. A conditional jump reaches 255 instructions;
// for more, a plain jump is put right behind it.
func (c *compiler) branch(op cond, value uint32, yes, no place) {
	const reach = 250
	near := func(p place) place {
		if c.here()-p > reach {
			c.jump(p)
			return c.here()
		}
		return p
	}
	yes = near(yes)
	no = near(no)
	skipYes, skipNo := uint8(c.here()-yes), uint8(c.here()-no)
	jump := [...]bpf.JumpTest{bpf.JumpEqual, bpf.JumpGreaterThan, bpf.JumpGreaterOrEqual, bpf.JumpBitsSet}[op]
	c.add(bpf.JumpIf{Cond: jump, Val: value, SkipTrue: skipYes, SkipFalse: skipNo})
}
