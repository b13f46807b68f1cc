package secrettest

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

const (
	searchPiece = 1 << 20
	// longestMapping leaves out what is reserved and never used.
	longestMapping = 4 << 30
)

// Search reads all memory of this process that can be read, by /proc/self/mem
// (proc(5)), and gives the secrets that it found and how many bytes it searched.
func (h *Hoard) Search() (found []string, searched int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		return nil, 0, err
	}
	defer mem.Close()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, 0, err
	}
	all := map[string]int{}
	buf := make([]byte, searchPiece+7)
	defer clear(buf)
	for lines := bufio.NewScanner(strings.NewReader(string(maps))); lines.Scan(); {
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil {
			return nil, 0, fmt.Errorf("maps: %q: %w", lines.Text(), err)
		}
		if mode[0] != 'r' || to-from > longestMapping {
			continue
		}
		for ; from < to; from += searchPiece {
			n, _ := mem.ReadAt(buf[:min(uint64(len(buf)), to-from)], int64(from)) // gone, or of the kernel's own: nothing is read
			h.find(buf[:n], all)
			searched += int64(min(n, searchPiece))
		}
	}
	return names(all), searched, nil
}
