package main

import (
	"context"
	"fmt"

	"hozen/packager"
)

// readBack verifies the file that was just written, with its log, as an auditor
// would: once for the responder, who has the fingerprint on paper, and says what
// somebody gets who has only the archive and the trust file of this machine.
func (c *collection) readBack(s *summary) error {
	file, err := c.a.openArchive(s.Archive, belief{fingerprints: []string{s.Fingerprint}, head: s.Head, log: s.Log})
	if err != nil {
		return err
	}
	defer file.Close()
	file.options.Progress = c.a.reading(c.ui.screen)
	file.options.Trust = nil
	r, err := packager.Verify(context.Background(), file, file.size, file.options)
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
