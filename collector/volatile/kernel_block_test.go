package volatile

import (
	"testing"

	"hozen/collector/hosttest"
)

// A disk tells the size of its sectors; where the system does not say it, nobody makes it up.
func TestSectorSize(t *testing.T) {
	sectors := map[string]int64{}
	for _, row := range blockRows(&factReader{h: hosttest.FromTxtar(t, debianKernel)}) {
		sectors[string(row.Name)] = row.Sector
	}
	if sectors["sda"] != 512 || sectors["sdb"] != 0 || sectors["sda1"] != 0 {
		t.Error(sectors)
	}
}
