package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/service/audit"
	"hozen/service/config"
	"hozen/service/install"
	"hozen/service/outbox"
	"hozen/service/policy"
	"hozen/service/remote"
)

// A finding is what check says of one thing. Place is FILE:LINE:COLUMN or a file.
type finding struct {
	Verdict string `json:"verdict"` // right, warning, wrong
	Place   string `json:"place"`
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`
}

// Verdicts of a finding.
const (
	checkRight   = "right"
	checkWarning = "warning"
	checkWrong   = "wrong"
)

// checker looks at a configuration and at all that it points at.
type checker struct {
	a     *app
	c     *config.Config
	found []finding
}

func (a *app) serviceCheckCommand() *cobra.Command {
	var file string
	var asJSON, offline bool
	c := &cobra.Command{Use: "check", Short: a.text(mShortCheck), Long: a.text(mLongCheck), Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serviceCheck(c.Context(), file, offline, asJSON) }}
	a.configFlag(c, &file)
	c.Flags().BoolVar(&offline, "offline", false, a.text(mFlagOffline))
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

func (a *app) serviceCheck(ctx context.Context, file string, offline, asJSON bool) error {
	ch := &checker{a: a}
	var err error
	if ch.c, err = config.Load(file); err != nil {
		ch.problems(file, err)
	} else {
		ch.all(ctx, offline)
	}
	code := exitWhole
	for _, f := range ch.found {
		if f.Verdict == checkWrong {
			code = exitNotSealed
		}
	}
	if asJSON {
		if err := writeJSON(a.stdout, map[string]any{"findings": ch.found, "exit": code}); err != nil {
			return fail(err, "")
		}
		return silent(code)
	}
	ch.print(code)
	return silent(code)
}

func (ch *checker) print(code int) {
	words := map[string]message{checkRight: mCheckRight, checkWarning: mCheckWarning, checkWrong: mCheckWrong}
	for _, f := range ch.found {
		fmt.Fprintf(ch.a.stdout, "%s %s: %s\n", pad(ch.a.text(words[f.Verdict]), 8), escape(f.Place), escape(ch.a.sentence(f.Text)))
		if f.Hint != "" {
			fmt.Fprintf(ch.a.stdout, "         %s\n", ch.a.text(mHint, escape(f.Hint)))
		}
	}
	if code == exitWhole {
		fmt.Fprintln(ch.a.stdout, ch.a.text(mCheckGood))
	}
}

// problems are the mistakes of the file itself.
func (ch *checker) problems(file string, err error) {
	var all config.Problems
	if !errors.As(err, &all) {
		ch.say(checkWrong, file, err.Error(), "")
	}
	for _, p := range all {
		place := p.File
		if p.Line > 0 {
			place = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
		}
		ch.say(checkWrong, place, p.Text, ch.a.hintOf(p))
	}
}

func (a *app) hintOf(p config.Problem) string {
	if a.lang == japanese {
		return p.Hint.Japanese
	}
	return p.Hint.English
}

func (ch *checker) say(verdict, place, text, hint string) {
	ch.found = append(ch.found, finding{verdict, place, text, hint})
}

// judge notes an error as wrong, or that the thing is right.
func (ch *checker) judge(place string, err error, good, hint string) bool {
	if errors.Is(err, os.ErrNotExist) && (hint == ch.a.text(mHintPrivate) || hint == ch.a.text(mHintOnlyOurs)) {
		hint = "" // no change of owner or mode helps
	}
	if err != nil {
		ch.say(checkWrong, place, err.Error(), hint)
		return false
	}
	ch.say(checkRight, place, good, "")
	return true
}

func (ch *checker) all(ctx context.Context, offline bool) {
	a, c := ch.a, ch.c
	ch.judge(c.File, config.OnlyOurs(c.File), a.text(mCheckFile), a.text(mHintOnlyOurs))
	private := config.Private(c.StateDir)
	hint := a.text(mHintPrivate)
	if errors.Is(private, os.ErrNotExist) {
		hint = a.text(mHintInstall)
	}
	ch.judge(c.StateDir, private, a.text(mCheckState), hint)
	ch.key()
	ch.trust()
	for _, file := range c.RecipientFiles {
		ch.judge(file, config.OnlyOurs(file), a.text(mCheckFile), a.text(mHintOnlyOurs))
	}
	for _, d := range c.Destinations {
		ch.destination(ctx, d, offline)
	}
	ch.outbox()
	ch.hub(ctx, offline)
	ch.clocks(ctx, offline)
	if policy.Vetoed(c.Veto) {
		ch.say(checkWarning, c.Veto, a.text(mCheckVeto), a.text(mHintVeto))
	}
	ch.units()
}

func (ch *checker) key() {
	file := ch.c.In(config.DeviceKey)
	d, err := packager.LoadDevice(file, ch.c.Device)
	if err == nil && ch.c.Device != "" && d.Name != ch.c.Device {
		err = fmt.Errorf("the key is that of %s, the configuration says %s", d.Name, ch.c.Device)
	}
	if err == nil {
		err = config.Private(file)
	}
	print := ""
	if err == nil {
		print, err = d.Fingerprint()
	}
	if ch.judge(file, err, ch.a.text(mCheckKey, d.Name, print), ch.a.text(mHintInstall)) {
		ch.ofTheKey(file, d)
	}
}

// ofTheKey says what lies beside the device key and is of another one: archives would be held
// against that public key, and with that audit log the service does not start.
func (ch *checker) ofTheKey(file string, d packager.Device) {
	key, err := d.Public()
	if err == nil {
		err = install.PublicFits(file, key)
	}
	if err != nil {
		ch.say(checkWrong, file+".pub", err.Error(), ch.a.text(mHintInstall))
	}
	log := ch.c.In(config.AuditFile)
	switch err := audit.CheckEnd(log, key); {
	case errors.Is(err, audit.ErrOtherKey):
		ch.say(checkWrong, log, err.Error(), ch.a.text(mHintInstall))
	case err != nil:
		ch.say(checkWrong, log, err.Error(), ch.a.text(mHintAudit))
	}
}

func (ch *checker) trust() {
	a, c := ch.a, ch.c
	if _, err := os.Lstat(c.Trust); errors.Is(err, os.ErrNotExist) {
		ch.say(checkWarning, c.Trust, a.text(mCheckNoTrust), a.text(mHintOperators))
		return
	}
	if !ch.judge(c.Trust, config.OnlyOurs(c.Trust), a.text(mCheckFile), a.text(mHintOnlyOurs)) {
		return
	}
	_, err := policy.TrustPinned(c.Trust, c.In(config.TrustPin))
	ch.judge(c.Trust, err, a.text(mCheckPinned), a.text(mHintPin))
}

func (ch *checker) destination(ctx context.Context, d config.Destination, offline bool) {
	a := ch.a
	for _, file := range []string{d.Credentials} {
		if file == "" {
			continue
		}
		if !ch.judge(file, config.Private(file), a.text(mCheckPrivate), a.text(mHintPrivate)) {
			return
		}
	}
	if d.CA != "" && !ch.judge(d.CA, config.OnlyOurs(d.CA), a.text(mCheckFile), a.text(mHintOnlyOurs)) {
		return
	}
	to, err := d.Open(0)
	if err != nil || offline {
		ch.judge(d.Name, err, d.To, a.text(mHintDestination))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	ch.judge(d.Name, to.Try(ctx), a.text(mCheckReached, d.To), a.text(mHintDestination))
}

// outbox warns of one that is full, or that what is delivered will fill.
func (ch *checker) outbox() {
	dir, limit := ch.c.In(config.OutboxDir), ch.c.Outbox.MaxSize
	u, err := outbox.Used(dir)
	if err != nil || limit <= 0 || u.All < limit && u.Delivered <= limit/2 {
		return // one that is not there is made by the service
	}
	ch.say(checkWarning, dir, ch.a.text(mCheckOutbox, bytesText(u.All), bytesText(limit), bytesText(u.Delivered)), ch.a.text(mHintOutbox))
}

func (ch *checker) hub(ctx context.Context, offline bool) {
	a, c := ch.a, ch.c
	h, err := remote.Load(c.StateDir)
	if errors.Is(err, remote.ErrNotEnrolled) {
		if c.DeliverTo == config.Hub {
			ch.say(checkWrong, c.StateDir, a.text(mCheckNotEnrolled), a.text(mNextEnrol))
		}
		return
	}
	place := filepath.Join(c.StateDir, config.HubFile)
	if err != nil || offline {
		ch.judge(place, err, a.text(mCheckEnrolled, h.Hub), a.text(mHintEnrol))
		return
	}
	var dialer net.Dialer
	for _, address := range h.Addresses {
		limited, cancel := context.WithTimeout(ctx, 5*time.Second)
		conn, dialErr := dialer.DialContext(limited, "tcp", address) // an address, no name: config and token hold no others
		cancel()
		if dialErr == nil {
			conn.Close()
			ch.judge(place, nil, a.text(mCheckReached, h.Hub+" "+address), "")
			return
		}
		err = fault.Join(err, dialErr)
	}
	ch.say(checkWarning, place, err.Error(), a.text(mHintHub))
}

// units says whether the service was written for this configuration.
func (ch *checker) units() {
	if runtime.GOOS == "windows" {
		if s, err := install.State(context.Background()); err == nil && s.State == "not-found" {
			ch.say(checkWarning, "SCM", ch.a.text(mCheckNoUnit), ch.a.text(mHintInstall))
		}
		return
	}
	if runtime.GOOS != "linux" {
		return
	}
	files, err := install.Preview(install.Options{Config: ch.c.File, Image: install.Binary()})
	if err != nil {
		return // no manager here: nothing to compare with
	}
	for _, f := range files {
		b, err := os.ReadFile(f.Path)
		switch {
		case f.Link != "":
		case errors.Is(err, os.ErrNotExist):
			ch.say(checkWarning, f.Path, ch.a.text(mCheckNoUnit), ch.a.text(mHintInstall))
		case err == nil && string(b) != f.Text:
			ch.say(checkWarning, f.Path, ch.a.text(mCheckOldUnit), ch.a.text(mHintInstall))
		}
	}
}

// configFailed prints each mistake of a configuration with its hint; hint is for other errors.
func (a *app) configFailed(err error, hint string) error {
	var all config.Problems
	if !errors.As(err, &all) {
		return a.orManager(err, hint)
	}
	ch := &checker{a: a}
	ch.problems("", all)
	fmt.Fprintln(a.stderr, a.text(mError, escape(all[0].File)))
	for _, f := range ch.found {
		fmt.Fprintf(a.stderr, "  %s: %s\n    %s\n", escape(f.Place), escape(a.sentence(f.Text)), a.text(mHint, escape(f.Hint)))
	}
	return silent(exitNotSealed)
}

func (a *app) orManager(err error, hint string) error {
	switch {
	case errors.Is(err, install.ErrNoManager):
		return fail(err, a.text(mHintManager))
	case errors.Is(err, policy.ErrNotPinned):
		return fail(err, a.text(mHintPin))
	case errors.Is(err, os.ErrPermission):
		return fail(err, a.text(mHintRoot))
	}
	return fail(err, hint)
}

// inRoot is where a path of the machine lies below root.
func inRoot(root, path string) string {
	if root == "" {
		return path
	}
	return filepath.Join(root, path)
}
