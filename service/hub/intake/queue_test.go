package intake

import (
	"fmt"
	"testing"
)

// Endpoints take turns however many uploads one of them has left, and none is worked for twice at once.
func TestQueueTakesTurns(t *testing.T) {
	q := newQueue()
	for i := range 64 {
		q.put(fmt.Sprintf("A.%02d", i))
	}
	q.put("A.00") // waits already
	q.put("B.00")
	q.put("C.00")
	if q.len() != 66 {
		t.Errorf("%d wait", q.len())
	}
	var got []string
	for range 3 {
		key, _ := q.get()
		got = append(got, key)
	}
	if fmt.Sprint(got) != "[A.00 B.00 C.00]" {
		t.Fatalf("%v", got)
	}
	if len(q.turns) != 0 {
		t.Error("a second upload of a busy endpoint is handed out")
	}
	q.put("B.01")
	q.done("B.00")
	q.done("A.00")
	q.put("A.00") // again, behind the rest
	for _, want := range []string{"B.01", "A.01"} {
		if key, _ := q.get(); key != want {
			t.Errorf("%s, want %s", key, want)
		}
	}
	q.close()
	if _, ok := q.get(); ok {
		t.Error("a closed queue gives")
	}
}
