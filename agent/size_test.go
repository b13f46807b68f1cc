package main

import "testing"

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"4096": 4096, "1b": 1, "512KiB": 512 << 10, "2k": 2048, "1.5GiB": 3 << 29, "2G": 2 << 30, "3mb": 3 << 20, "1T": 1 << 40,
		"": 0, "GiB": 0, "-1": 0, "0": 0, "0.1": 0, "4 GiB x": 0, "NaN": 0, "Inf": 0, "1e30": 0, "4GG": 0,
	} {
		got, err := parseSize(text)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
}
