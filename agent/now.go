package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hozen/collector/memory"
	"hozen/packager"
	"hozen/service/config"
)

// nowOptions are the few flags of now: who knows more flags uses collect.
type nowOptions struct {
	profile, key string
	config       string // of the resident agent, whose key signs where it is installed
}

func (a *app) nowCommand() *cobra.Command {
	var o nowOptions
	c := &cobra.Command{
		Use: "now", Short: a.text(mShortNow), Long: a.text(mLongNow), Args: noArgs,
		Example: "  sudo hozen now\n  hozen now --lang ja",
		RunE:    func(c *cobra.Command, _ []string) error { return a.talkNow(c.Context(), o) },
	}
	c.Flags().StringVar(&o.profile, "profile", "standard", a.text(mFlagProfile))
	c.Flags().StringVar(&o.key, "key", "", a.text(mFlagNowKey))
	c.Flags().StringVar(&o.config, "config", config.DefaultFile(), a.text(mFlagConfig))
	return c
}

// talkNow is the whole talk with somebody who has never done this. Connections and processes
// vanish while people think: so only where to write is asked before, and who they are and
// what happened after the seal; that goes, signed, into the custody log.
func (a *app) talkNow(ctx context.Context, o nowOptions) error {
	if !a.inTerminal {
		return usage(errors.New(a.text(mNowNoTerminal)), a.text(mHintNow))
	}
	t := &talk{a: a, in: a.in, out: a.stderr}
	t.say(mNowHello)
	if h := a.host("/"); h.Live && !h.Elevated {
		t.say(mNowNotRoot)
	}
	resident, err := t.configuration(ctx, o.config)
	if err != nil {
		return t.over(err)
	}
	dir, err := t.where(ctx)
	if err != nil {
		return t.over(err)
	}
	if err := t.begin(ctx); err != nil {
		return t.over(err)
	}
	t.say(mNowBegins)
	var c *collection
	options := collectOptions{
		out: dir, root: "/", profile: o.profile, key: o.key,
		moments: moments{
			sealed: func() { t.whoAndWhat(ctx, c) },
			print:  func(w io.Writer, s summary) { t.farewell(w, c, s) },
		},
	}
	if resident != nil {
		options.key = cmp.Or(o.key, installedKey(resident))
		options.asConfigured(resident)
	}
	c = a.newCollection(options)
	return c.run(ctx)
}

// installedKey is the file of the key that this machine's resident agent has, where there
// is one that we may read: those who know the machine believe it without a paper.
func installedKey(c *config.Config) string {
	key := c.In(config.DeviceKey)
	f, err := os.Open(key)
	if err != nil {
		return ""
	}
	f.Close()
	return key
}

// over ends a talk in which nothing was begun.
func (t *talk) over(err error) error {
	if errors.Is(err, errNoAnswer) {
		fmt.Fprintln(t.out)
		t.say(mNowNothing)
		return silent(exitNotSealed)
	}
	return fail(err, t.a.text(mHintOut))
}

// configuration is that of this machine's resident agent; nil where there is none. Of one
// that cannot be read nothing is guessed: what is to be encrypted must not be written plain
// without a word.
func (t *talk) configuration(ctx context.Context, file string) (*config.Config, error) {
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	c, err := config.Load(file)
	if err == nil {
		return c, nil
	}
	t.say(mNowConfig, t.a.why(err))
	return nil, t.agree(ctx, mNowPlain, false)
}

// begin asks whether it shall begin.
func (t *talk) begin(ctx context.Context) error { return t.agree(ctx, mNowBegin, true) }

// agree asks for a yes; without one, errNoAnswer. Enter alone means usual.
func (t *talk) agree(ctx context.Context, question message, usual bool) error {
	yes := usual
	_, err := t.ask(ctx, t.a.text(question), "", func(answer string) (string, error) {
		switch strings.ToLower(answer) {
		case "":
		case "y", "yes", "はい", "h":
			yes = true
		case "n", "no", "いいえ", "i":
			yes = false
		default:
			return "", errors.New(t.a.text(mNowYesNo))
		}
		return "", nil
	})
	if err == nil && !yes {
		err = errNoAnswer
	}
	return err
}

// eventDescribed is what people say of a collection that they made: who they are, who was
// with them, what happened.
const eventDescribed = "described"

// whoAndWhat asks for what only people know, and signs it into the custody log. A
// collection that was stopped asks nothing more. Without an answer nothing is written.
func (t *talk) whoAndWhat(ctx context.Context, c *collection) {
	if ctx.Err() != nil {
		return
	}
	flushInput(t.a.stdin)
	c.ui.screen.draw("")
	t.say(mNowSealed)
	var e packager.Event
	var with string
	for _, q := range []struct {
		text  message
		usual string
		to    *string
	}{{mNowName, t.a.loginName(), &e.Operator}, {mNowWith, "", &with}, {mNowWhat, "", &e.Reason}} {
		answer, err := t.ask(ctx, t.a.text(q.text), q.usual, nil)
		if err != nil {
			fmt.Fprintln(t.out)
			break // what was said counts
		}
		*q.to = answer
	}
	if e.Event = eventDescribed; with != "" {
		e.Witness = []string{with}
	}
	if e.Operator+with+e.Reason == "" {
		return
	}
	if err := packager.AppendEvent(c.o.out, c.name, c.device, e, t.a.now()); err != nil {
		fmt.Fprintln(t.out, t.a.text(mNowNotKept, t.a.why(err)))
	}
}

// loginName is who is at the machine, as far as the system knows.
func (a *app) loginName() string {
	for _, name := range []string{"SUDO_USER", "USER", "USERNAME"} {
		if v := a.env(name); v != "" && v != "root" {
			return plain(v)
		}
	}
	return ""
}

// farewell says what there is now and what to do next, a sentence at a time.
func (t *talk) farewell(w io.Writer, c *collection, s summary) {
	a := t.a
	n := 0
	next := func(text string) {
		n++
		fmt.Fprintf(w, "%d. %s\n", n, text)
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, a.text(mSumVerdict, s.Verdict, s.Collection))
	for _, f := range s.Findings {
		fmt.Fprintln(w, "  "+escape(a.sentence(f)))
	}
	if s.Stopped != "" {
		fmt.Fprintln(w, a.text(mSumStopped, escape(a.sentence(s.Stopped))))
	}
	fmt.Fprintln(w, a.text(mNowTaken, a.itemsText(s.Outcomes["collected"]), escape(s.Archive), escape(filepath.Base(s.Log))))
	c.sayIndicators(w, s)
	fmt.Fprintln(w)
	next(a.text(mSumWriteDown))
	fmt.Fprintf(w, "     %s\n       %s\n     %s\n       %s\n", a.text(mHead), s.Head, a.text(mFingerprint), s.Fingerprint)
	for _, text := range c.ui.told {
		next(text)
	}
	if s.SafeAt == 0 {
		next(a.text(mSumNotSafe))
	}
	for _, warned := range s.Warnings {
		if warned.Word == unlockedDisk {
			next(warned.Text)
		}
	}
	if s.Indicators[memory.High.String()] > 0 {
		next(a.text(mNowHigh))
	}
	for _, m := range []message{mNowCable, mNowHandsOff, mNowUnplug, mNowCall} {
		next(a.text(m))
	}
	fmt.Fprintln(w)
	c.printShort(w, s)
}
