package ja

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// never reads the words that must not be used, out of the table of WORDS.md.
func never(t *testing.T) (words []string) {
	t.Helper()
	b, err := os.ReadFile("WORDS.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 || strings.HasPrefix(cells[1], "--") || strings.TrimSpace(cells[1]) == "English" {
			continue
		}
		for w := range strings.SplitSeq(cells[4], ",") {
			if w = strings.TrimSpace(w); w != "" {
				words = append(words, w)
			}
		}
	}
	if len(words) < 15 {
		t.Fatalf("only %d words found", len(words))
	}
	return words
}

// TestOneWordForOneThing holds what people read in Japanese to WORDS.md.
func TestOneWordForOneThing(t *testing.T) {
	words := never(t)
	read := 0
	for _, pattern := range []string{
		"../../agent/*.go", "../report/*.go", "../custody/*.go", "sentences.txt", "../../service/hub/*.go", "../../service/hub/console/texts*.go",
		"../../service/config/*.yaml", "../../README.md",
	} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			read++
			for n, line := range strings.Split(string(b), "\n") {
				for _, w := range words {
					if strings.Contains(line, w) {
						t.Errorf("%s:%d: %s: not the word of WORDS.md", name, n+1, w)
					}
				}
			}
		}
	}
	if read < 50 {
		t.Errorf("only %d files were read", read)
	}
}
