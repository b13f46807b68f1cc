package main

import (
	"context"
	"fmt"
	"os"

	"hozen/packager"
)

// readBack verifies the file that was just written, with its log, as an auditor
// would: once for the responder, who has the fingerprint on paper, and says what
// somebody gets who has only the archive and the trust file of this machine.
func (c *collection) readBack(s *summary) error {
	file, err := os.Open(s.Archive)
	if err != nil {
		return err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return err
	}
	log, err := os.ReadFile(s.Log)
	if err != nil {
		return err
	}
	r, err := packager.Verify(context.Background(), file, st.Size(), packager.VerifyOptions{
		Log: log, Fingerprints: []string{s.Fingerprint}, Head: s.Head, Progress: c.a.reading(c.ui.screen),
	})
	if err != nil {
		return err
	}
	s.Verdict, s.Findings = string(r.Verdict), r.Findings
	s.ForAuditors = string(r.Verdict)
	if r.Verdict == packager.Valid {
		s.ForAuditors = string(packager.UntrustedSigner)
		return nil
	}
	if s.Exit = r.Verdict.ExitCode(); s.Exit == exitWhole {
		return fmt.Errorf("verdict %s with exit code 0", r.Verdict)
	}
	return nil
}
