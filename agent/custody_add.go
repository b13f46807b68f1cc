package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/cipher"
	"hozen/packager/custody"
	"hozen/packager/evidence/fault"
)

func (a *app) custodyAddCommand() *cobra.Command {
	var s said
	var before string
	c := &cobra.Command{
		Use: "add EVENT ARCHIVE|LOG", Short: a.text(mShortCustodyAdd), Long: a.text(mLongCustodyAdd, strings.Join(addable(), ", ")), Args: wantArgs(2, 2),
		Example: "  hozen custody add stored FILE.tar.zst --place 'safe 3, room 12' --seal-no A-0017 --sign-with sato.key\n" +
			"  hozen custody add corrected LOG --ref 7 --reason 'it was room 12, not room 21' --sign-with agent --as operator:sato",
		RunE: func(c *cobra.Command, args []string) error {
			return a.custodyAdd(c.Context(), args[0], args[1], before, &s)
		},
	}
	a.eventFlags(c, &s)
	a.lookFlags(c, &s.belief)
	c.Flags().IntSliceVar(&s.e.Ref, "ref", nil, a.text(mFlagRef))
	c.Flags().StringVar(&s.e.Counterpart, "counterpart", "", a.text(mFlagCounterpart))
	c.Flags().StringVar(&before, "before", "", a.text(mFlagBefore))
	return c
}

// ownCommand is the custody command that alone writes an event; "" if add does.
func ownCommand(event string) string {
	return map[string]string{"released": "release", "received": "receive", "countersigned": "countersign", "timestamped": "timestamp"}[event]
}

// addable are the events that add writes.
func addable() []string {
	return slices.DeleteFunc(custody.Names(), func(n string) bool { return ownCommand(n) != "" })
}

func (a *app) custodyAdd(ctx context.Context, name, file, before string, s *said) error {
	if word := ownCommand(name); word != "" {
		return usage(fmt.Errorf("event %q: `hozen custody %s` writes it, and reads the archive anew for that", name, word), "")
	}
	if !slices.Contains(addable(), name) {
		return usage(fmt.Errorf("event %q: want one of %s", name, strings.Join(addable(), ", ")), "")
	}
	if name == "reencrypted" && s.log == "" {
		s.log = logOf(file, before)
	}
	t, err := a.target(file, s.log)
	if err != nil {
		return err
	}
	e, err := a.event(s, name)
	if err != nil {
		return err
	}
	code := exitWhole
	switch name {
	case "verified":
		r, err := a.look(ctx, t, s.belief)
		if err != nil {
			return err
		}
		e.Verdict, code = string(r.Verdict), r.Verdict.ExitCode()
		if e.Object, err = t.hash(); err != nil {
			return err
		}
	case "reencrypted":
		if e.Before, err = a.madeOf(before); err != nil {
			return err
		}
		if e.Object, err = t.hash(); err != nil {
			return err
		}
		header, err := t.header()
		if err != nil {
			return err
		}
		e.Detail = append(e.Detail, header...)
		if err := t.follows(e.Before); err != nil {
			return err
		}
	}
	if _, err := a.record(t, s, e); err != nil {
		return err
	}
	return silent(code)
}

// logOf is where the log of a file that was made of another lies: beside it, or else still
// beside what it was made of; "" if it is where it belongs, or nowhere.
func logOf(file, before string) string {
	if t, err := targetOf(file); err == nil {
		if _, err := os.Stat(t.log); err == nil {
			return ""
		}
	}
	t, err := targetOf(before)
	if err != nil {
		return ""
	}
	if _, err := os.Stat(t.log); err != nil {
		return ""
	}
	return t.log
}

// look verifies an archive with its log, and says the verdict on stderr.
func (a *app) look(ctx context.Context, t target, b belief) (*packager.Report, error) {
	if t.archive == "" {
		return nil, fail(fmt.Errorf("%s: its archive is not beside it", t.log), "")
	}
	file, err := a.openArchive(t.archive, b)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := a.opens(t.archive, file); err != nil {
		return nil, err
	}
	r, err := packager.Verify(ctx, file, file.size, file.options)
	if err != nil {
		return nil, fail(fmt.Errorf("%s: %w", t.archive, err), "")
	}
	a.tellVerdict(t.archive, r)
	return r, nil
}

// opens says that no identity that was given opens an archive: who brings the wrong one
// has seen nothing of it, and shall not sign for good that it is no evidence.
func (a *app) opens(name string, file *archive) error {
	if len(file.options.Identities) == 0 {
		return nil
	}
	begin := make([]byte, 32)
	n, err := file.ReadAt(begin, 0)
	if (err != nil && !errors.Is(err, io.EOF)) || !cipher.Is(begin[:n]) {
		return nil // Verify says what is wrong with it
	}
	if _, err = cipher.Open(file, file.size, file.options.Identities); errors.Is(err, cipher.ErrIdentity) {
		return fail(fmt.Errorf("%s: %w", name, err), a.text(mHintWrongIdentity))
	}
	return nil
}

// follows says why a file is not the one that the log tells of: nothing made of it is
// anchored by the log, and nothing can be taken out of that again.
func (t target) follows(before *packager.EventObject) error {
	_, events, err := t.events()
	if err != nil {
		return err
	}
	now, known := custody.Stored(events)
	if known && (now.Bytes != before.Bytes || now.SHA256 != before.SHA256) {
		return fail(fmt.Errorf("%s: not the file that the log tells of: that has %d bytes, hash %s", before.Name, now.Bytes, now.SHA256), "")
	}
	return nil
}

// header tells of the header of an encrypted archive.
func (t target) header() ([]packager.EventDetail, error) {
	f, err := os.Open(t.archive)
	if err != nil {
		return nil, fail(err, "")
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fail(err, "")
	}
	return packager.HeaderDetail(f, st.Size())
}

// madeOf hashes the file that another was made of.
func (a *app) madeOf(name string) (*packager.EventObject, error) {
	if name == "" {
		return nil, usage(errors.New("--before FILE is needed: what it was made of"), "")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fail(err, "")
	}
	o, err := custody.Hash(name, f)
	if err = fault.Join(err, f.Close()); err != nil {
		return nil, fail(err, "")
	}
	return &o, nil
}
