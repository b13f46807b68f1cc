package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/packager/timestamp"
	"hozen/service/remote/witness"
)

// stampWork is what custody timestamp is asked to do.
type stampWork struct {
	said
	stampOptions
	target  string // the archive or log that is here; "" with head
	head    string // of an archive that is elsewhere
	token   string // file with an answer that is there already
	request string // file for a question that somebody else asks
	out     string // file for the answer
	// rootFile has the roots that must have certified the answer.
	rootFile string
}

func (a *app) custodyTimestampCommand() *cobra.Command {
	var w stampWork
	c := &cobra.Command{
		Use: "timestamp [ARCHIVE|LOG]", Short: a.text(mShortStamp), Long: a.text(mLongStamp), Args: wantArgs(0, 1),
		Example: "  hozen custody timestamp FILE.tar.zst --tsa https://freetsa.org/tsr --sign-with sato.key --as operator:sato\n" +
			"  hozen custody timestamp --head hozen-head:… --tsa https://freetsa.org/tsr -o token.tsr\n" +
			"  hozen custody timestamp FILE.tar.zst --token token.tsr --sign-with agent",
		RunE: func(c *cobra.Command, args []string) error {
			if err := w.check(len(args) > 0); err != nil {
				return usage(err, a.text(mHintCommandHelp, "hozen custody timestamp"))
			}
			if len(args) == 0 {
				return a.stampHead(c.Context(), &w)
			}
			w.target = args[0]
			return a.stampArchive(c.Context(), args[0], &w)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	a.stampFlags(c, &w.stampOptions)
	f.BoolVar(&w.plain, "tsa-http", false, a.text(mFlagTSAHTTP))
	f.StringVar(&w.head, "head", "", a.text(mFlagStampHead))
	f.StringVar(&w.token, "token", "", a.text(mFlagStampToken))
	f.StringVar(&w.request, "request", "", a.text(mFlagStampRequest))
	f.StringVarP(&w.out, "output", "o", "", a.text(mFlagStampOut))
	f.StringVar(&w.rootFile, "tsa-roots", "", a.text(mFlagTSARoots))
	a.eventFlags(c, &w.said)
	a.lookFlags(c, &w.belief)
	return c
}

// check says which flags do not go together.
func (w *stampWork) check(archive bool) error {
	ways := 0
	for _, given := range []bool{len(w.urls) > 0, w.token != "", w.request != ""} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return errors.New("one of --tsa URL, --token FILE, --request FILE is needed")
	case archive == (w.head != ""):
		return errors.New("either ARCHIVE or --head HASH is needed")
	case w.plain && w.rootFile == "":
		return errors.New("--tsa-http needs --tsa-roots FILE: the roots tell an answer of the authority from one of somebody on the way")
	case !archive && w.token != "":
		return errors.New("--token FILE belongs to an archive")
	case !archive && w.request == "" && w.out == "":
		return errors.New("with --head, -o FILE is needed: the answer goes there")
	}
	return nil
}

// stampHead works for an archive that is on another machine.
func (a *app) stampHead(ctx context.Context, w *stampWork) error {
	_, head, err := timestamp.ParseHead(w.head)
	if err != nil {
		return usage(fmt.Errorf("--head: %w", err), "")
	}
	if w.request != "" {
		return a.writeRequest(head, w)
	}
	answer, err := a.askFor(ctx, fmt.Sprintf("%x", head), w)
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.out, answer.Response, 0o600); err != nil {
		return fail(err, "")
	}
	fmt.Fprintln(a.stdout, a.text(mStampSaved, signed.Wall(answer.Token.Time), escape(answer.Token.TSA), escape(w.out)))
	return nil
}

func (a *app) writeRequest(head [32]byte, w *stampWork) error {
	request, err := timestamp.NewRequest(head, a.random)
	if err != nil {
		return fail(err, "")
	}
	query, err := request.Bytes()
	if err == nil {
		err = os.WriteFile(w.request, query, 0o600)
	}
	if err != nil {
		return fail(err, "")
	}
	fmt.Fprintln(a.stdout, a.text(mStampRequest, escape(shellWord(w.request))))
	return nil
}

// askFor asks the authorities.
func (a *app) askFor(ctx context.Context, head string, w *stampWork) (*witness.Answer, error) {
	var err error
	if w.stampOptions.roots, err = a.tsaRoots(w.rootFile); err != nil {
		return nil, err
	}
	o, err := w.witness(a)
	if err != nil {
		return nil, a.notAsked(err, w)
	}
	answer, err := w.ask(ctx, head, o)
	if err != nil {
		return nil, fail(err, a.text(mHintNoStamp))
	}
	return answer, nil
}

// notAsked says how to ask an authority that has no https: with its roots, or by hand.
func (a *app) notAsked(err error, w *stampWork) error {
	plain := slices.IndexFunc(w.urls, func(u string) bool { return strings.HasPrefix(strings.ToLower(u), "http://") })
	if !errors.Is(err, witness.ErrURL) || plain < 0 {
		return err
	}
	of, with := "--head "+shellWord(w.head), " --sign-with "+shellWord(cmp.Or(w.with, "agent"))
	if w.head == "" {
		of = shellWord(w.target)
	}
	if w.as != "" {
		with += " --as " + shellWord(w.as)
	}
	third := "hozen custody timestamp " + cmp.Or(shellWord(w.target), "ARCHIVE") + " --token stamp.tsr" + with
	var told *exitError
	if errors.As(err, &told) {
		err = told.err
	}
	return usage(err, a.text(mHintPlain, of, shellWord(w.urls[plain]), third))
}

// stampArchive adds a time stamp to the custody log of an archive that is here.
func (a *app) stampArchive(ctx context.Context, name string, w *stampWork) error {
	t, err := a.target(name, w.log)
	if err != nil {
		return err
	}
	head, sealed, err := a.headOf(ctx, t, w.belief)
	if err != nil {
		return err
	}
	if w.request != "" {
		_, sum, err := timestamp.ParseHead(head)
		if err != nil {
			return fail(err, "")
		}
		return a.writeRequest(sum, w)
	}
	if _, _, err := a.signer(&w.said); err != nil { // nobody is asked for what cannot be kept
		return err
	}
	e, response, err := a.stampOf(ctx, head, sealed, w)
	if err != nil {
		return err
	}
	if w.out != "" {
		if err := os.WriteFile(w.out, response, 0o600); err != nil {
			return fail(err, "")
		}
	}
	said, err := a.event(&w.said, e.Event)
	if err != nil {
		return err
	}
	said.Time, said.Detail = e.Time, append(e.Detail, said.Detail...)
	if _, err := a.record(t, &w.said, said); err != nil {
		return err
	}
	if !w.json {
		fmt.Fprintln(a.stdout, a.text(mStampAdded, e.Fact("gen_time"), escape(e.Fact("tsa"))))
	}
	return nil
}

// headOf is the hash that a time stamp is for: that of the seal, or of the last authentic
// statement. An archive that contradicts itself gets none. Of one whose contents cannot be
// seen here, or that is elsewhere, its log says it.
func (a *app) headOf(ctx context.Context, t target, b belief) (head string, sealed bool, err error) {
	if t.archive != "" {
		r, err := a.look(ctx, t, b)
		switch {
		case err != nil:
			return "", false, err
		case r.Verdict == packager.Invalid || r.Verdict == packager.NotEvidence:
			return "", false, silent(r.Verdict.ExitCode())
		case r.Head != "":
			return r.Head, r.Sealed, nil
		}
	}
	_, events, err := t.events()
	if err != nil {
		return "", false, invalidLog(err, a.text(mHintLogBroken))
	}
	for _, e := range events {
		switch e.Event {
		case "checkpoint":
			head = e.Fact("statement")
		case "sealed":
			head, sealed = e.Fact("seal"), true
		}
	}
	if head == "" {
		return "", false, fail(fmt.Errorf("%s: %w", t.log, errNoHead), "")
	}
	return head, sealed, nil
}

// stampOf asks for a time stamp, or reads the one that is there.
func (a *app) stampOf(ctx context.Context, head string, sealed bool, w *stampWork) (e packager.Event, response []byte, err error) {
	if w.token == "" {
		answer, err := a.askFor(ctx, head, w)
		if err != nil {
			return e, nil, err
		}
		e, err = stampEvent(head, sealed, answer)
		return e, answer.Response, err
	}
	list, err := tokens([]string{w.token})
	if err != nil {
		return e, nil, err
	}
	roots, err := a.tsaRoots(w.rootFile)
	if err != nil {
		return e, nil, err
	}
	token, err := timestamp.Parse(list[0])
	if err == nil {
		err = token.Verify(roots)
	}
	if roots == nil && errors.Is(err, timestamp.ErrChain) {
		err = nil // who verifies later has the certificate
	}
	if err == nil {
		e, err = packager.TimestampEvent(head, sealed, list[0], token)
	}
	if err != nil {
		return e, nil, fail(fmt.Errorf("%s: %w", w.token, err), "")
	}
	return e, list[0], nil
}
