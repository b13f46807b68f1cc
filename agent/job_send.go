package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/job"
	"hozen/service/protocol"
	"hozen/service/remote"
)

const (
	hubTimeout = 30 * time.Second // for one command
	watchEvery = 2 * time.Second
)

// hubFlag is where an operator's own enrolment is.
func (a *app) hubFlag(c *cobra.Command, state *string) {
	c.Flags().StringVar(state, "state", "", a.text(mFlagJobState))
}

func (a *app) hubState(state string) (string, error) {
	if state != "" {
		return state, nil
	}
	trust := a.trustFile() // lies in the same directory
	if trust == "" {
		return "", usage(errors.New("no home directory: --state DIR is needed"), "")
	}
	return filepath.Join(filepath.Dir(trust), "hub"), nil
}

// withHub does something while it is connected as the operator.
func (a *app) withHub(ctx context.Context, state string, do func(context.Context, *remote.Operator) error) error {
	dir, err := a.hubState(state)
	if err != nil {
		return err
	}
	o, err := remote.ConnectOperator(dir, nil)
	if errors.Is(err, remote.ErrNotEnrolled) {
		return fail(err, a.text(mHintJobEnrol))
	} else if err != nil {
		return fail(err, a.text(mHintJobHub))
	}
	defer o.Close()
	return do(ctx, o)
}

func (a *app) jobEnrolCommand() *cobra.Command {
	var state string
	var replace bool
	c := &cobra.Command{
		Use: "enrol @FILE", Short: a.text(mShortJobEnrol), Long: a.text(mLongJobEnrol), Args: wantArgs(1, 1),
		Example: "  hozen job enrol @token",
		RunE: func(c *cobra.Command, args []string) error {
			token, err := a.token(args[0])
			if err != nil {
				return err
			}
			dir, err := a.hubState(state)
			if err != nil {
				return err
			}
			host := strings.ToValidUTF8(string(a.identity().HostName), "?")
			h, err := remote.Enrol(c.Context(), remote.Enrolment{Token: token, Host: host, Version: a.tool(), State: dir, Replace: replace})
			if errors.Is(err, remote.ErrEnrolled) {
				return fail(err, a.text(mHintReplace, "hozen job enrol @FILE --replace"))
			} else if err != nil {
				return fail(err, a.text(mHintJobToken))
			}
			fmt.Fprintln(a.stdout, a.text(mJobEnrolled, escape(h.Hub), strings.Join(h.Addresses, ", "), escape(dir)))
			return nil
		},
	}
	a.hubFlag(c, &state)
	c.Flags().BoolVar(&replace, "replace", false, a.text(mFlagReplace))
	return c
}

func (a *app) jobSendCommand() *cobra.Command {
	var state string
	var asJSON bool
	c := &cobra.Command{
		Use: "send FILE", Short: a.text(mShortJobSend), Long: a.text(mLongJobSend), Args: wantArgs(1, 1),
		Example: "  hozen job send case-42.job",
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.readJob(args[0])
			if err != nil {
				return err
			}
			if missing := s.Missing(); len(missing) > 0 {
				return fail(fmt.Errorf("%s: not signed by %s", args[0], strings.Join(missing, ", ")), a.text(mHintJobSign, escape(shellWord(args[0]))))
			}
			if s.Early(a.now()) { // devices would refuse it, and the hub passes it on once only
				return fail(fmt.Errorf("%s: valid from %s: send it then", args[0], s.Job.NotBefore), a.text(mHintJobEarly, escape(shellWord(args[0]))))
			}
			return a.sendJob(c.Context(), state, s, asJSON)
		},
	}
	a.hubFlag(c, &state)
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

func (a *app) sendJob(ctx context.Context, state string, s *job.Signed, asJSON bool) error {
	b, err := s.Envelope.Encode()
	if err != nil {
		return fail(err, "")
	}
	return a.withHub(ctx, state, func(ctx context.Context, o *remote.Operator) error {
		ctx, cancel := context.WithTimeout(ctx, hubTimeout)
		defer cancel()
		answer, err := o.Send(ctx, b)
		if err != nil {
			return fail(err, "")
		}
		if asJSON {
			return writeJSON(a.stdout, answer)
		}
		for i := range answer.To {
			answer.To[i] = escape(answer.To[i])
		}
		fmt.Fprintln(a.stdout, a.text(mJobSent, escape(answer.Job), len(answer.To), strings.Join(answer.To, " ")))
		fmt.Fprintln(a.stdout, a.text(mJobNext, "hozen job status "+s.Job.ID+" --watch"))
		return nil
	})
}

func (a *app) jobStatusCommand() *cobra.Command {
	var state string
	var asJSON, watch bool
	c := &cobra.Command{
		Use: "status ID", Short: a.text(mShortJobStatus), Long: a.text(mLongJobStatus), Args: wantArgs(1, 1),
		Example: "  hozen job status job-20261122-1a2b3c --watch",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withHub(c.Context(), state, func(ctx context.Context, o *remote.Operator) error {
				return a.jobStatus(ctx, o, args[0], watch, asJSON)
			})
		},
	}
	a.hubFlag(c, &state)
	c.Flags().BoolVar(&watch, "watch", false, a.text(mFlagJobWatch))
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

// jobStatus prints what became of a job, and with watch each change until all have ended.
func (a *app) jobStatus(ctx context.Context, o *remote.Operator, id string, watch, asJSON bool) error {
	last := ""
	for {
		one, cancel := context.WithTimeout(ctx, hubTimeout)
		s, err := o.Status(one, id)
		cancel()
		if err != nil {
			return fail(err, "")
		}
		var out strings.Builder
		if asJSON {
			err = writeJSON(&out, s)
		} else {
			a.statusLines(&out, s)
		}
		if err != nil {
			return fail(err, "")
		}
		if text := out.String(); text != last {
			if _, err := io.WriteString(a.stdout, text); err != nil {
				return fail(err, "")
			}
			last = text
		}
		ended, well := outcomeOf(s)
		if !watch || ended {
			if ended && !well {
				return silent(exitShort)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fail(ctx.Err(), "")
		case <-time.After(watchEvery):
		}
	}
}

// goodReceipt says whether a hub found nothing amiss; of what is encrypted it sees the outside.
func goodReceipt(verdict string) bool {
	return verdict == string(packager.Valid) || verdict == string(packager.ValidOuter)
}

// outcomeOf says whether a job has ended on all devices, and whether it was done on all.
func outcomeOf(s protocol.StatusAnswer) (ended, well bool) {
	ended, well = true, true
	for _, d := range s.Devices {
		switch d.State {
		case "delivered", "done":
			well = well && (d.Receipt == "" || goodReceipt(d.Receipt))
		case "refused", "failed", "cancelled":
			well = false
		default:
			ended = ended && d.Receipt != ""
			well = well && goodReceipt(d.Receipt)
		}
	}
	return ended, well
}

func (a *app) statusLines(w io.Writer, s protocol.StatusAnswer) {
	fmt.Fprintln(w, a.text(mJobHubSays))
	for _, d := range s.Devices {
		line := pad(escape(d.Device), 20) + " " + pad(escape(d.State), 10)
		if d.Reason != "" {
			line += " " + escape(a.sentence(d.Reason))
		}
		if d.Receipt != "" {
			line += separator + a.text(mJobReceipt, escape(d.Receipt))
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
		if text := a.safetyText(d.Safe); text != "" {
			fmt.Fprintln(w, pad("", 20)+" "+text)
		}
	}
}

// safetyText says whether a PC may be switched off, by the event of its collection that
// tells; "" if none has told yet.
func (a *app) safetyText(line string) string {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil {
		return ""
	}
	switch e.Event {
	case "volatile_safe":
		return a.text(mJobSafe)
	case "incomplete":
		return a.text(mJobIncomplete)
	case unlockedDisk:
		return a.text(mJobLocks)
	case "output_in_memory":
		return a.text(mJobInMemory)
	}
	return ""
}

type cancelOptions struct {
	signOptions
	state, operator, reason string
}

func (a *app) jobCancelCommand() *cobra.Command {
	var o cancelOptions
	c := &cobra.Command{
		Use: "cancel ID", Short: a.text(mShortJobCancel), Long: a.text(mLongJobCancel), Args: wantArgs(1, 1),
		Example: "  hozen job cancel job-20261122-1a2b3c --operator alice --key ~/.ssh/id_ed25519",
		RunE:    func(c *cobra.Command, args []string) error { return a.jobCancel(c.Context(), args[0], o) },
	}
	a.hubFlag(c, &o.state)
	c.Flags().StringVar(&o.operator, "operator", "", a.text(mFlagJobOperator))
	c.Flags().StringVar(&o.reason, "reason", "", a.text(mFlagReason))
	c.Flags().StringVar(&o.key, "key", "", a.text(mFlagJobKey))
	c.Flags().BoolVar(&o.agent, "agent", false, a.text(mFlagJobAgent))
	c.Flags().BoolVar(&o.json, "json", false, a.text(mFlagJSON))
	return c
}

// jobCancel makes a job that stops another, on all the devices that it went to, and
// signs and sends it.
func (a *app) jobCancel(ctx context.Context, id string, o cancelOptions) error {
	if o.key == "" && !o.agent {
		return usage(errors.New("--key FILE or --agent is needed"), "")
	}
	var devices []string
	err := a.withHub(ctx, o.state, func(ctx context.Context, hub *remote.Operator) error {
		ctx, cancel := context.WithTimeout(ctx, hubTimeout)
		defer cancel()
		s, err := hub.Status(ctx, id)
		if err != nil {
			return fail(err, "")
		}
		for _, d := range s.Devices {
			devices = append(devices, d.Device)
		}
		return nil
	})
	if err != nil {
		return err
	}
	j, err := a.jobOf(jobOptions{action: job.Cancel, targets: devices, params: job.Params{Job: id}, job: job.Job{Operator: o.operator, Reason: o.reason}})
	if err != nil {
		return usage(err, "")
	}
	s, err := job.New(j)
	if err != nil {
		return usage(err, "")
	}
	key, err := a.operatorKey(o.signOptions)
	if err != nil {
		return err
	}
	if err := s.SignBy(o.operator, key); err != nil {
		return fail(err, "")
	}
	return a.sendJob(ctx, o.state, s, o.json)
}

func (a *app) jobEndpointsCommand() *cobra.Command {
	var state string
	var asJSON bool
	c := &cobra.Command{
		Use: "endpoints", Short: a.text(mShortJobEndpoints), Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withHub(c.Context(), state, func(ctx context.Context, o *remote.Operator) error {
				ctx, cancel := context.WithTimeout(ctx, hubTimeout)
				defer cancel()
				all, err := o.Endpoints(ctx)
				if err != nil {
					return fail(err, "")
				}
				return a.printEndpoints(all, asJSON)
			})
		},
	}
	a.hubFlag(c, &state)
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

func (a *app) printEndpoints(all []protocol.Endpoint, asJSON bool) error {
	for _, e := range all {
		if asJSON {
			if err := writeJSON(a.stdout, e); err != nil {
				return fail(err, "")
			}
			continue
		}
		seen := e.LastSeen
		if e.Online {
			seen = a.text(mJobOnline)
		}
		key := ""
		if k, err := signed.ParsePublic(e.DeviceKey); err == nil {
			key = ssh.FingerprintSHA256(k)
		}
		fmt.Fprintln(a.stdout, pad(escape(e.Device), 20), pad(escape(seen), 22), key)
	}
	return nil
}
