package persistence

import (
	"os"
	"testing"

	"hozen/collector/hosttest"
	"hozen/collector/pe/authenticode"
	"hozen/collector/persistence/scm"
	"hozen/collector/persistence/task"
)

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	must(t, err)
	hosttest.Documented(t, string(b), ServiceRow{}, ServiceRegistry{}, ServiceSCM{}, LoadedDriver{}, ValueRow{}, CommandRow{}, FileRow{}, authenticode.Facts{}, HiveRow{},
		TaskRow{}, TaskTree{}, TaskCache{}, TaskXML{}, TaskJob{}, TaskCommand{}, task.Action{}, task.Trigger{}, task.Settings{}, task.Principal{},
		scm.FailureAction{}, scm.Trigger{}, SubscriptionRow{}, AutorunRow{}, BITSRow{})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
