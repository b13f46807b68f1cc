package winfile

import "testing"

func TestLead(t *testing.T) {
	for _, c := range []struct{ link, target, rest, want string }{
		{"/C:/Documents and Settings", `\??\C:\Users`, "a/b", "/C:/Users/a/b"},
		{"/C:/mnt/d", `\??\Volume{0b2c}\`, "x", "/Volume{0b2c}/x"},
		{"/C:/a/link", `..\b`, "c", "/C:/b/c"},
		{"/C:/a/link", `..\..\..\..\b`, "", "/C:/b"},
		{"/C:/a/link", `\b`, "c", "/C:/b/c"},
		{"/C:/a/link", `d:\x`, "c", "/D:/x/c"},
		{"/Volume{1}/a/link", `b`, "c", "/Volume{1}/a/b/c"},
		{"/C:/a/link", `\??\UNC\evil\share`, "c", ""},
		{"/C:/a/link", `\??\unc\evil\share`, "c", ""},
		{"/C:/a/link", `\??\GLOBALROOT\Device\Mup\evil\share`, "c", ""},
		{"/C:/a/link", `\??\GLOBALROOT\Device\HarddiskVolume1\x`, "c", ""},
		{"/C:/a/link", `\\evil\share`, "c", ""},
		{"/C:/a/link", `\\?\UNC\evil\share`, "c", ""},
		{"/C:/a/link", `\\.\pipe\x`, "", ""},
		{"/C:/a/link", `/??/PhysicalDrive0`, "", ""},
		{"/C:/a/link", ``, "c", ""},
		{"/C:/a/link", `file:stream`, "", ""},
		{"/C:/a/link", `C:x`, "", ""},
	} {
		got, err := Lead(c.link, c.target, c.rest)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s to %s: %q, %v", c.link, c.target, got, err)
		}
	}
}
