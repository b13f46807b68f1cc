package cipher

import (
	"strings"
	"testing"

	"hozen/packager/text/texttest"
)

func TestRecipientsOfWindows(t *testing.T) {
	one, _ := party(t, false)
	two, _ := party(t, false)
	for form, file := range texttest.Forms(one + "\n# 証拠\n" + two + "\n") {
		if list, err := ReadRecipients(strings.NewReader(file)); err != nil || len(list) != 2 || list[0] != one || list[1] != two {
			t.Errorf("%s: %q %v", form, list, err)
		}
	}
}
