package main

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// showCode draws head and fingerprint as a QR code on a terminal, where nobody
// but the responder's telephone can take them down without a mistake.
func (c *collection) showCode(s summary) {
	if !c.a.errTerminal || c.o.quiet || !s.Throwaway {
		return
	}
	code, err := qr.Encode(fmt.Sprintf("hozen %s\nhead %s\nfingerprint %s\n", s.Collection, s.Head, s.Fingerprint), qr.L)
	if err != nil || code.Size+2*quietZone > c.a.width() {
		return
	}
	c.ui.screen.line("\n" + drawCode(code) + c.a.text(mQR))
}

// quietZone is the light border that readers need (ISO/IEC 18004 asks for four
// modules; two are enough on a screen).
const quietZone = 2

// drawCode draws two rows of modules in each line. Light is drawn and dark is
// left out, because terminals are dark more often than light; with colours set
// it is right on both.
func drawCode(code *qr.Code) string {
	var b strings.Builder
	light := func(x, y int) bool { return !code.Black(x, y) }
	for y := -quietZone; y < code.Size+quietZone; y += 2 {
		b.WriteString("\x1b[97;40m")
		for x := -quietZone; x < code.Size+quietZone; x++ {
			switch up, down := light(x, y), light(x, y+1); {
			case up && down:
				b.WriteRune('█')
			case up:
				b.WriteRune('▀')
			case down:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}
