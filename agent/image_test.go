package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/collector/hosttest"
	"hozen/packager"
)

// unzip gives the file of a test image below collector/disk/image, unpacked where it
// must be.
func unzip(t *testing.T, name string) string {
	t.Helper()
	name = filepath.Join("../collector/disk/image", name)
	if !strings.HasSuffix(name, ".gz") {
		return name
	}
	to := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(name), ".gz"))
	if err := os.WriteFile(to, hosttest.Unzip(t, name), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// A collection of an image has its files byte for byte, whatever container and file
// system it is.
func TestCollectOfAnImage(t *testing.T) {
	for _, c := range []struct{ image, file, sha256 string }{
		{"testdata/image.E01", "passwords.txt", "02a2a6af2f1ecf4720d7d49d640f0d0a269a7ec733e41973bdd34f09dad0e252"},
		{"testdata/image.qcow2.gz", "a_directory/a_file", "4a49638d0e1055fd9e4c17fef7fdf4d6ccf892b6d9c2f64164203c4bfb0ec92d"},
		{"testdata/hierarchy_64.ext4.gz", "directory1/fortune1", "4de341953c2daf89a3a77e94a66ef1cf0a24e56c09b2da1b43ab2f418406b1c5"},
		{"ntfs/testdata/test.ntfs.dd.gz", "Folder A/Folder B/Hello world text document.txt:goodbye.txt", "3ca4373a4561dc5140cdd1cd04874a8babd92a331efb6e6dab6e7b7394a28d6c"},
	} {
		t.Run(filepath.Base(c.image), func(t *testing.T) {
			dir := t.TempDir()
			a, stdout, stderr := testApp("collect", "--image", unzip(t, c.image), "--take", "/", "--hash-image", "--out", dir)
			a.collectors = collectors
			if code := a.run(context.Background()); code != exitWhole {
				t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
			}
			archive := one(t, dir, "*.tar.zst")
			if r := judge(t, archive); r.Verdict != packager.Valid {
				t.Errorf("%s: %v", r.Verdict, r.Findings)
			}
			a, stdout, stderr = testApp("show", archive, "disk/files.jsonl")
			a.run(context.Background())
			if stdout.Len() == 0 {
				t.Fatalf("nothing shown: %s", stderr)
			}
			item := itemOf(t, stdout.String(), "/"+c.file)
			a, stdout, stderr = testApp("show", archive, item)
			a.run(context.Background())
			sum := sha256.Sum256(stdout.Bytes())
			if got := hex.EncodeToString(sum[:]); got != c.sha256 {
				t.Errorf("%s: %s, want %s\n%s", item, got, c.sha256, stderr)
			}
			if a, stdout, _ = testApp("show", archive, "disk/image/hashes.jsonl"); a.run(context.Background()) == exitUsage || !strings.Contains(stdout.String(), "sha256") {
				t.Errorf("no hash of the medium: %s", stdout)
			}
		})
	}
}

// itemOf finds the item of a file in disk/files.jsonl.
func itemOf(t *testing.T, rows, path string) string {
	t.Helper()
	for line := range strings.Lines(rows) {
		var row struct{ Path, Item string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Path == path {
			return row.Item
		}
	}
	t.Fatalf("%s is not in\n%s", path, rows)
	return ""
}
