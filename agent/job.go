package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hozen/packager/evidence/fault"
	"hozen/packager/private"
	"hozen/service/job"
)

// jobCommand makes, signs and shows jobs, all of that without a network, and sends them.
func (a *app) jobCommand() *cobra.Command {
	c := &cobra.Command{Use: "job", Short: a.text(mShortJob), Long: a.text(mLongJob), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.jobNewCommand(), a.jobSignCommand(), a.jobShowCommand(),
		a.jobEnrolCommand(), a.jobSendCommand(), a.jobStatusCommand(), a.jobCancelCommand(), a.jobEndpointsCommand())
	return c
}

// readJob reads a job from a file.
func (a *app) readJob(name string) (*job.Signed, error) {
	f, err := openList(name)
	if err != nil {
		return nil, fail(fmt.Errorf("%s: %w", name, err), "")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, job.MaxEnvelope+1))
	if err != nil {
		return nil, fail(fmt.Errorf("%s: %w", name, err), "")
	}
	s, err := job.Parse(b)
	if err != nil {
		return nil, fail(fmt.Errorf("%s: %w", name, err), a.text(mHintJobFile))
	}
	return s, nil
}

// writeNewFile writes a file and its name onto the medium, never over an existing one.
func writeNewFile(name string, b []byte) error {
	f, err := private.Open(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, private.Mine)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = fault.Join(err, f.Close()); err != nil {
		return fault.Join(err, os.Remove(name))
	}
	return nil
}
