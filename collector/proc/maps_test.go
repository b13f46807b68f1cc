package proc

import "testing"

func TestParseMapping(t *testing.T) {
	for line, want := range map[string]Mapping{
		"562863096000-56286309c000 r-xp 00002000 fe:00 247278      /usr/bin/head": {0x562863096000, 0x56286309c000, "r-xp", 0x2000, "fe:00", 247278, "/usr/bin/head", false},
		"7f0-7f1 rw-p 00000000 00:00 0 ":                                          {0x7f0, 0x7f1, "rw-p", 0, "00:00", 0, "", false},
		"7f0-7f1 rwxs 00000000 00:01 5    /memfd:a b (deleted)":                   {0x7f0, 0x7f1, "rwxs", 0, "00:01", 5, "/memfd:a b", true},
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]":     {0xffffffffff600000, 0xffffffffff601000, "--xp", 0, "00:00", 0, "[vsyscall]", false},
	} {
		if got, err := ParseMapping(line); err != nil || got != want {
			t.Errorf("%q: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"", "7f0", "7f1-7f0 r--p 0 0:0 0", "x-y r--p 0 0:0 0", "7f0-7f1 r-- 0 0:0 0", "7f0-7f1 r--p z 0:0 0"} {
		if m, err := ParseMapping(line); err == nil {
			t.Errorf("%q: %+v", line, m)
		}
	}
}

func FuzzParseMappings(f *testing.F) {
	f.Add("562863096000-56286309c000 r-xp 00002000 fe:00 247278      /usr/bin/head\n7f0-7f1 rwxs 00000000 00:01 5    /memfd:a b (deleted)\n")
	f.Fuzz(func(t *testing.T, text string) {
		maps, bad, err := ParseMappings(text)
		if (bad > 0) != (err != nil) {
			t.Errorf("%d bad, %v", bad, err)
		}
		for _, m := range maps {
			if m.End < m.Start || len(m.Perms) != 4 {
				t.Errorf("%+v", m)
			}
			m.Executable()
		}
	})
}
