package artifact

import (
	"bytes"
	"testing"

	"hozen/collector"
	"hozen/collector/disk/image/ntfs"
	"hozen/collector/hosttest"
)

// A volume of NTFS without a system has its own files, and so is one of Windows.
func TestSystemOfADataVolume(t *testing.T) {
	v, err := ntfs.Open(bytes.NewReader(hosttest.Unzip(t, "../image/ntfs/testdata/test.ntfs.dd.gz")))
	if err != nil {
		t.Fatal(err)
	}
	if got := SystemOf(&collector.Host{Image: v}); got != Windows {
		t.Errorf("%q", got)
	}
	if got := SystemOf(&collector.Host{Root: t.TempDir()}); got != "" {
		t.Errorf("an empty folder: %q", got)
	}
}
