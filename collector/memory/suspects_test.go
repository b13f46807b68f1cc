package memory

import (
	"slices"
	"testing"
)

func TestSuspectsAreJoinedAndCounted(t *testing.T) {
	var s Suspects
	if _, searched := s.List(); searched {
		t.Error("searched before it was")
	}
	s.Add(Suspect{PID: 7, StartTicks: 1, Level: Low, IDs: []string{"a"}, Regions: []Region{{1, 2, "a"}}})
	s.Add(Suspect{PID: 7, StartTicks: 1, Level: High, IDs: []string{"a", "b"}})
	s.Add(Suspect{PID: 7, StartTicks: 2, Level: Medium, IDs: []string{"c"}}) // the number was used again
	rows := []Indicator{{Level: High}, {Level: Low}, {Level: Low}}
	s.Done(rows)
	list, searched := s.List()
	if !searched || len(list) != 2 || list[0].Level != High || !slices.Equal(list[0].IDs, []string{"a", "b"}) || len(list[0].Regions) != 1 {
		t.Errorf("%v %+v", searched, list)
	}
	if n, _ := s.Count(Low); n != 2 || len(s.Worst()) != 3 {
		t.Errorf("%d low, worst %v", n, s.Worst())
	}
}

func TestLevelsHaveWords(t *testing.T) {
	for _, l := range Levels() {
		b, err := l.MarshalText()
		var back Level
		if err != nil || back.UnmarshalText(b) != nil || back != l {
			t.Errorf("%d became %s (%v), then %d", l, b, err, back)
		}
	}
	var l Level
	if _, err := l.MarshalText(); err == nil || l.UnmarshalText([]byte("sure")) == nil {
		t.Error("a level that is none has a word")
	}
}
