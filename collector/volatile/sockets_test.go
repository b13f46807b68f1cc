package volatile

import (
	"context"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
)

func TestSocketsConformOnThisHost(t *testing.T) {
	hosttest.Conform(t, Sockets(), collector.ThisHost())
}

// collectRows runs the collector and gives its table.
func collectRows(t testing.TB, h *collector.Host) ([]socketRow, *hosttest.Sink) {
	t.Helper()
	var s hosttest.Sink
	if err := Sockets().Collect(context.Background(), h, &s); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[socketRow](s.Body(socketsTable))
	if err != nil {
		t.Fatal(err)
	}
	return rows, &s
}

func TestTheTableIsOfThisHost(t *testing.T) {
	rows, _ := collectRows(t, collector.ThisHost())
	for _, r := range rows {
		if r.Views == 0 || r.Family == "" {
			t.Errorf("row without a view or family: %+v", r)
		}
	}
}
