package main

import (
	"strings"

	"rsc.io/qr"

	"hozen/packager/timestamp"
)

// showCode draws the head, and the fingerprint of a key that is nowhere else, as a QR code
// on a terminal, where nobody but the responder's telephone can take them down without a
// mistake. Another machine gets a time stamp of what is in it.
func (c *collection) showCode(s summary) {
	if !c.a.errTerminal || c.o.quiet {
		return
	}
	text := timestamp.HeadText(s.Collection, s.Head) + "\n"
	if s.Throwaway {
		text += "fingerprint " + s.Fingerprint + "\n"
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return
	}
	draw, columns := drawCode, code.Size+2*quietZone
	if !c.a.blocks() {
		draw, columns = drawSpaces, 2*columns
	}
	if columns <= c.a.width() {
		c.ui.screen.line("\n" + draw(code) + c.a.text(mQR))
	}
}

// headCode is the head hash as a QR code and as the text in it.
func (a *app) headCode(id, head string) (string, error) {
	text := timestamp.HeadText(id, head)
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return "", err
	}
	if a.outTerminal && !a.blocks() {
		return drawSpaces(code) + text + "\n", nil
	}
	return drawCode(code) + text + "\n", nil
}

// hasBlocks says whether a code page has block elements. Consoles of those of East Asia show
// them in two columns, or not at all (Unicode Standard Annex 11, "ambiguous").
func hasBlocks(page uint32) bool {
	return page == 65001 || page == 437 || page == 737 || page == 775 || page >= 850 && page <= 869
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

// drawSpaces draws with spaces alone, two for a module, on a light and a dark ground.
func drawSpaces(code *qr.Code) string {
	var b strings.Builder
	for y := -quietZone; y < code.Size+quietZone; y++ {
		for x := -quietZone; x < code.Size+quietZone; x++ {
			switch dark := code.Black(x, y); {
			case x > -quietZone && dark == code.Black(x-1, y):
			case dark:
				b.WriteString("\x1b[40m")
			default:
				b.WriteString("\x1b[107m")
			}
			b.WriteString("  ")
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}
