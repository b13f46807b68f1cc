package task

import (
	"encoding/binary"

	"hozen/collector/utf16"
)

// A blob is a value of TaskCache in the making. What fills a block up is "H", as
// Windows leaves it.
type blob []byte

func (b blob) u8(n uint8) blob   { return append(b, n) }
func (b blob) u16(n uint16) blob { return binary.LittleEndian.AppendUint16(b, n) }
func (b blob) u32(n uint32) blob { return binary.LittleEndian.AppendUint32(b, n) }
func (b blob) u64(n uint64) blob { return binary.LittleEndian.AppendUint64(b, n) }

func (b blob) pad() blob {
	for len(b)%8 != 0 {
		b = append(b, 'H')
	}
	return b
}

func units(s string) []byte {
	out, err := utf16.Bytes(s)
	if err != nil {
		panic(err)
	}
	return out
}

func (b blob) text(s string) blob {
	u := units(s)
	return append(b.u32(uint32(len(u))), u...)
}

func (b blob) alignedText(s string) blob {
	u := units(s)
	return append(b.u32(uint32(len(u))).pad(), u...).pad()
}

func (b blob) time(local uint8, v uint64) blob { return b.u8(local).pad().u64(v) }

func (b blob) system() blob { // the user SYSTEM
	b = b.u8(0).pad().u8(0).pad().u32(5).pad().u32(12).pad()
	return append(b, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0).pad().u32(0).pad()
}

func (b blob) generic() blob {
	return b.time(1, 133485408000000000).time(0, 1<<64-1).u32(30).u32(3600).u32(300).u32(900).u32(900).u32(0).u8(1).pad().u64(0)
}

// header is a task of SYSTEM without triggers.
func header() blob {
	b := blob{}.u8(0x17).pad().time(1, 133485408000000000).time(0, 1<<64-1).u32(0x43c24838).pad().u32(0xfeedface).pad()
	b = b.alignedText("Author").alignedText("").system()
	b = b.u32(0x2c).pad().u32(0).u32(1<<32 - 1).u32(259200).u32(1<<32 - 1).u32(7).u32(0).u32(3)
	return append(b, make([]byte, 16)...).pad()
}

func triggersBlob() []byte {
	b := header().u32(triggerLogon).pad().generic().u32(8)
	b = append(b, units("wake")...).pad().u8(1).pad()
	b = b.u32(triggerEvent).pad().generic().u32(0).pad()
	b = append(b.u32(7).pad(), units("<Query>\x00")...).pad().u64(0).u32(0).pad().u32(0).pad()
	b = b.u32(triggerSession).pad().generic().u32(0).pad().u32(8).pad().system()
	b = b.u32(triggerTime).pad().time(1, 133485408000000000).time(0, 1<<64-1).time(0, 0)
	b = b.u32(3600).u32(1<<32 - 1).u32(0).u32(2).u16(1).u16(0x22).u16(0).u16(0).u8(0).u8(1).u16(0).u32(1).u32(60).u32(0).u32(0).pad()
	return b.u32(triggerBoot).pad().generic().u32(0).pad()
}

func actionsBlob() []byte {
	b := blob{}.u16(3).text("Author")
	b = b.u16(actionExec).text("").text(`C:\evil.exe`).text(`-x "a b"`).text(`C:\`).u16(1)
	b = append(b.u16(actionHandler).text("h"), 0xb9, 0xd1, 0xbc, 0x61, 0x0c, 0x34, 0xec, 0x40, 0x9d, 0x41, 0xd7, 0xf1, 0xc0, 0x63, 0x2f, 0x05).text("given")
	b = b.u16(actionMessage).text("").text("a").text("b")
	b = b.u16(actionEmail).text("")
	for _, s := range []string{"me", "you", "", "", "", "mail", "hi", "text"} {
		b = b.text(s)
	}
	return b.u32(1).text("file").u32(1).text("X").text("y")
}
