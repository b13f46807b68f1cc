// Package texttest gives tests the forms in which Windows' editors and shells write a text.
package texttest

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Forms are the text as it is, and as Notepad and PowerShell write it, by what they call that.
func Forms(text string) map[string]string {
	crlf := strings.ReplaceAll(text, "\n", "\r\n")
	little, big := []byte("\xff\xfe"), []byte("\xfe\xff")
	for _, unit := range utf16.Encode([]rune(crlf)) {
		little, big = binary.LittleEndian.AppendUint16(little, unit), binary.BigEndian.AppendUint16(big, unit)
	}
	return map[string]string{
		"UTF-8": text, "UTF-8 with CRLF": crlf, "UTF-8 with BOM": "\xef\xbb\xbf" + crlf,
		"UTF-16 LE": string(little), "UTF-16 BE": string(big),
	}
}
