package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseSize reads a number of bytes: 4096, 512KiB, 1.5GiB, 2G. Units are powers of
// 1024, whatever way they are written: nobody who is in a hurry means the others.
func parseSize(s string) (int64, error) {
	number := strings.TrimRight(s, "KMGTiBkmgtb")
	shift, ok := map[string]int{"": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20, "g": 30, "gb": 30, "gib": 30, "t": 40, "tb": 40, "tib": 40}[strings.ToLower(s[len(number):])]
	value, err := strconv.ParseFloat(number, 64)
	bytes := value * math.Exp2(float64(shift))
	if !ok || err != nil || !(bytes >= 1) || bytes > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q: want a size such as 512MiB or 4GiB", s)
	}
	return int64(bytes), nil
}
