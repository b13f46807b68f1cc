package volatile

import (
	"fmt"
	"io"
	"io/fs"
)

// addressWatch passes a text of the kernel on and looks at the addresses that its
// lines begin with. Who lacks the right (CAP_SYSLOG, kernel.kptr_restrict;
// CAP_SYS_ADMIN for /proc/iomem) is not refused: the kernel writes zeros instead
// (lib/vsprintf.c, kernel/resource.c). Such a text must not pass as whole.
type addressWatch struct {
	w           io.Writer
	began, past bool // in the address of this line; beyond it
	seen, shown bool // any address; one that is not zero
}

func (a *addressWatch) Write(b []byte) (int, error) {
	for i := 0; i < len(b) && !a.shown; i++ {
		switch c := b[i]; {
		case c == '\n':
			a.began, a.past = false, false
		case a.past || c == ' ' && !a.began:
		case c == '0' || c == '-' && a.began:
			a.began, a.seen = true, true
		case c >= '1' && c <= '9' || c >= 'a' && c <= 'f':
			a.shown = true
		default:
			a.past = true
		}
	}
	return a.w.Write(b)
}

// err is a denial if there were addresses and all were zeros.
func (a *addressWatch) err(name string) error {
	if a.seen && !a.shown {
		return fmt.Errorf("%s: the kernel hides the addresses: %w", name, fs.ErrPermission)
	}
	return nil
}
