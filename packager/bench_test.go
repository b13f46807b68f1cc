package packager

import "testing"

func BenchmarkVerifySmall(b *testing.B) {
	file, d := writeArchive(b, b.TempDir())
	data, o := readFile(b, file), trusting(b, d)
	for b.Loop() {
		if r := verdict(b, data, o); r.Verdict != Valid {
			b.Fatal(r)
		}
	}
}
