package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/service/deliver"
	"hozen/service/deliver/stream"
	"hozen/service/protocol"
)

func (a *app) deliverCommand() *cobra.Command {
	var t toOptions
	var asJSON bool
	c := &cobra.Command{
		Use: "deliver ARCHIVE|DIR --to DEST", Short: a.text(mShortDeliver), Long: a.text(mLongDeliver), Args: wantArgs(1, 1),
		Example: "  hozen deliver pc-42.tar.zst --to /media/usb\n  hozen deliver pc-42.tar.zst --to hub\n  hozen deliver /media/usb --to sftp://ev@192.0.2.7/inbox --to-pin SHA256:… --to-credentials sftp.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			if !t.given() {
				return usage(errors.New("--to is needed"), a.text(mHintTo))
			}
			return a.deliver(c.Context(), args[0], t, asJSON)
		},
	}
	c.Flags().SortFlags = false
	a.toFlags(c, &t, mFlagDest)
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSONDeliver))
	return c
}

// parcel is one file that is to be sent.
type parcel struct {
	path string
	rest bool // it is the rest of a file
}

// courier brings files to one destination.
type courier struct {
	a      *app
	d      deliver.Destination
	screen *screen
	json   bool
	sent   map[string]protocol.CommitRequest // by collection
}

func (a *app) deliver(ctx context.Context, arg string, t toOptions, asJSON bool) error {
	parcels, err := a.parcels(arg)
	if err != nil {
		return err
	}
	_, d, err := t.open(a)
	if err != nil {
		return err
	}
	defer deliver.Close(d)
	k := &courier{a, d, &screen{w: a.stderr, live: a.errTerminal && !asJSON, mute: asJSON, width: a.width}, asJSON, map[string]protocol.CommitRequest{}}
	for _, p := range parcels {
		if err := k.bring(ctx, p); err != nil {
			hint := a.text(mHintOnlyAgain)
			switch {
			case notTrusted(err):
				hint = a.text(mHintAuthority)
			case final(err):
				hint = ""
			}
			return fail(err, hint)
		}
	}
	if t.hub != nil {
		return k.askReceipts(ctx, t.hub)
	}
	return nil
}

// parcels lists what is to be sent, archives before their logs.
func (a *app) parcels(arg string) (all []parcel, err error) {
	st, err := os.Stat(arg)
	if err != nil {
		return nil, fail(err, "")
	}
	if !st.IsDir() {
		return a.parcelsOf(arg)
	}
	entries, err := os.ReadDir(arg)
	if err != nil {
		return nil, fail(err, "")
	}
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() || !isArchive(name) && !strings.HasSuffix(name, stream.RestSuffix) {
			continue
		}
		more, err := a.parcelsOf(filepath.Join(arg, name))
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	if len(all) == 0 {
		return nil, fail(fmt.Errorf("%s: no archive in it", arg), "")
	}
	return all, nil
}

// parcelsOf lists an archive with its log, or a rest with the log that was left beside it.
func (a *app) parcelsOf(file string) (all []parcel, err error) {
	switch {
	case strings.HasSuffix(file, ".partial"):
		return nil, fail(fmt.Errorf("%s: not sealed", file), a.text(mHintRecoverIt, escape(shellWord(file))))
	case strings.HasSuffix(file, stream.RestSuffix), strings.HasSuffix(file, stream.NoteSuffix):
		n, rest, err := stream.ReadNote(file)
		if err != nil {
			return nil, fail(err, "")
		}
		all, file = append(all, parcel{rest, true}), filepath.Join(filepath.Dir(file), n.Name)
	default:
		all = append(all, parcel{path: file})
	}
	log := filepath.Join(filepath.Dir(file), packager.LogName(idOf(file)))
	if _, err := os.Stat(log); err == nil && log != file {
		all = append(all, parcel{path: log})
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fail(err, "")
	}
	return slices.Compact(all), nil
}

// tries is how often a file is tried at one go.
const tries = 4

// bring sends one file, some times if need be.
func (k *courier) bring(ctx context.Context, p parcel) (err error) {
	for n := range tries {
		if err = k.once(ctx, p); err == nil || ctx.Err() != nil || final(err) {
			return err
		}
		if n == tries-1 {
			break
		}
		k.screen.line(k.a.text(mNotYet, escape(filepath.Base(p.path)), k.a.why(err)))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second << n):
		}
	}
	return err
}

// final says whether trying again cannot help.
func final(err error) bool {
	return errors.Is(err, deliver.ErrDiffers) || errors.Is(err, deliver.ErrChanged) || errors.Is(err, deliver.ErrCredentials) ||
		errors.Is(err, stream.ErrUnended) || errors.Is(err, os.ErrNotExist) || notTrusted(err)
}

// notTrusted says whether the destination's certificate was looked at and is not believed.
func notTrusted(err error) bool {
	var no *tls.CertificateVerificationError
	return errors.As(err, &no)
}

// deliveredLine is one line of `deliver --json`.
type deliveredLine struct {
	Name   string        `json:"name"`
	Bytes  int64         `json:"bytes"`
	SHA256 string        `json:"sha256"`
	From   int64         `json:"resumed_from"`
	Proof  deliver.Proof `json:"proof"`
}

func (k *courier) once(ctx context.Context, p parcel) error {
	if p.rest {
		n, file, err := stream.ReadNote(p.path)
		if err != nil {
			return err
		}
		proof, err := stream.Complete(ctx, k.d, n, file, k.telling(n.Name, n.Size))
		if err != nil {
			return err
		}
		return k.said(deliveredLine{n.Name, n.Size, n.SHA256, n.From, proof})
	}
	f, err := os.Open(p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	name := filepath.Base(p.path)
	s, err := deliver.Send(ctx, k.d, deliver.File{Name: name, ReaderAt: f, Size: st.Size()}, k.telling(name, st.Size()))
	if err != nil {
		return err
	}
	return k.said(deliveredLine{name, s.Size, s.SHA256, s.From, s.Proof})
}

// telling draws how far a file is, on a terminal.
func (k *courier) telling(name string, size int64) func(int64) {
	return func(at int64) {
		if k.screen.live {
			k.screen.draw(k.a.text(mSending, escape(name), bytesText(at), bytesText(size)))
		}
	}
}

func (k *courier) said(l deliveredLine) error {
	k.screen.draw("")
	k.note(protocol.Whole{Name: l.Name, Bytes: l.Bytes, SHA256: l.SHA256})
	if k.json {
		return writeJSON(k.a.stdout, l)
	}
	word := mAckedWord
	if l.Proof == deliver.ReadBack {
		word = mReadBackWord
	}
	_, err := fmt.Fprintln(k.a.stdout, k.a.text(mDelivered, escape(l.Name), bytesText(l.Bytes), k.a.text(word), l.SHA256))
	return err
}

// isArchive says whether a file is an archive that is not being written, by its name.
func isArchive(name string) bool {
	return strings.HasSuffix(name, ".tar.zst") || strings.HasSuffix(name, ".tar.zst.age")
}
