package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// Who reads an archive that a job started is told who asked for it, in his language,
// and programs are told who signed.
func TestVerifySaysWhoAsked(t *testing.T) {
	golden := filepath.Join("..", "testdata", "archives", "v1")
	file, trust := filepath.Join(golden, "job-of-trusted-people.tar.zst"), filepath.Join(golden, "allowed_signers")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"verify"}, "asked for by alice, approved by bob (job job-7)\nauthority    contract 9\n"},
		{[]string{"verify", "--lang", "ja"}, "収集の指示者   alice、承認: bob（指示 job-7）"},
		{[]string{"verify", "--json"}, `"job":{"job":"job-7","sha256":"`},
		{[]string{"verify", "--json"}, `"principal":"operator:bob"`},
		{[]string{"show"}, "asked for by alice, approved by bob (job job-7)\n"},
	} {
		a, out, errs := testApp(append(c.args, "--trust", trust, file)...)
		a.lang = chooseLanguage(c.args, a.env, systemLanguage)
		if code := a.run(context.Background()); code != exitWhole || !strings.Contains(out.String()+errs.String(), c.want) {
			t.Errorf("%v: exit code %d, without %q:\n%s%s", c.args, code, c.want, out, errs)
		}
	}
	a, out, _ := testApp("verify", "--trust", trust, filepath.Join(golden, "job-by-an-unknown-operator.tar.zst"))
	if code := a.run(context.Background()); code != 6 || !strings.Contains(out.String(), "! job job-7: operator:alice: the key is unknown (SHA256:") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
