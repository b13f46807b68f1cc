package layout

import "fmt"

// A Run is clusters of a file that lie together: Length of them from VCN of the
// file on, at LCN of the volume, or Hole.
type Run struct{ VCN, LCN, Length int64 }

// Hole is the LCN of clusters that are nowhere: they read as zeros. MaxCluster bounds
// the numbers of clusters, so that none overflows when it becomes bytes.
const (
	Hole       = -1
	MaxCluster = 1 << 48
)

// ParseRuns reads mapping pairs ("runlist"): a byte with the sizes of two numbers,
// the length, and the distance of the cluster from that of the run before. What was
// read before an error is given with it.
func ParseRuns(b []byte, vcn int64) ([]Run, error) {
	var out []Run
	lcn := int64(0)
	for len(b) > 0 && b[0] != 0 {
		n, d := int(b[0]&15), int(b[0]>>4)
		if n == 0 || n > 8 || d > 8 || 1+n+d > len(b) {
			return out, fmt.Errorf("run %d: sizes %d and %d", len(out), n, d)
		}
		length := number(b[1 : 1+n])
		if length <= 0 || length > MaxCluster || vcn > MaxCluster {
			return out, fmt.Errorf("run %d: %d clusters", len(out), length)
		}
		r := Run{VCN: vcn, LCN: Hole, Length: length}
		if d > 0 {
			lcn += number(b[1+n : 1+n+d])
			if lcn < 0 || lcn > MaxCluster {
				return out, fmt.Errorf("run %d: cluster %d", len(out), lcn)
			}
			r.LCN = lcn
		}
		out = append(out, r)
		vcn += length
		b = b[1+n+d:]
	}
	return out, nil
}

// number reads a signed number, little end first.
func number(b []byte) int64 {
	v := int64(int8(b[len(b)-1]))
	for i := len(b) - 2; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	return v
}
