package main

import (
	"context"
	"fmt"
	"os"

	"hozen/packager"
	"hozen/packager/signed"
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
	believed := []string{s.Fingerprint}
	if c.o.job != nil { // whoever brought it has believed its signers
		asked, err := c.o.job.Check()
		if err != nil {
			return err
		}
		for _, signer := range asked.Signers {
			believed = append(believed, signer.Fingerprint)
		}
	}
	if c.o.sign.by != nil {
		believed = append(believed, signed.Fingerprint(c.o.sign.by.Signer.Public()))
	}
	r, err := packager.Verify(context.Background(), file, st.Size(), packager.VerifyOptions{
		Log: log, Fingerprints: believed, Head: s.Head, Progress: c.a.reading(c.ui.screen),
	})
	if err != nil {
		return err
	}
	s.Verdict, s.Findings = string(r.Verdict), r.Findings
	s.ForAuditors = string(r.Verdict)
	if r.Verdict == packager.Valid || r.Verdict == packager.ValidOuter && r.Sealed {
		s.ForAuditors = string(packager.UntrustedSigner)
		return nil
	}
	if s.Exit = r.Verdict.ExitCode(); s.Exit == exitWhole {
		return fmt.Errorf("verdict %s with exit code 0", r.Verdict)
	}
	return nil
}
