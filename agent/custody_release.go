package main

import (
	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/custody"
)

func (a *app) custodyReleaseCommand() *cobra.Command {
	var s said
	var how, tracking string
	var back bool
	c := &cobra.Command{
		Use: "release ARCHIVE --to PRINCIPAL", Short: a.text(mShortRelease), Long: a.text(mLongRelease), Args: wantArgs(1, 1),
		Example: "  hozen custody release FILE.tar.zst --to lab:acme --how 'courier Yamato' --tracking 1234-5678 --seal-no A-0017 --reason analysis --sign-with sato.key",
		RunE: func(_ *cobra.Command, args []string) error {
			s.fact("how", how)
			s.fact("tracking", tracking)
			if back {
				s.fact("return", "yes")
			}
			return a.custodyRelease(args[0], &s)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&s.e.Counterpart, "to", "", a.text(mFlagReleaseTo))
	c.Flags().StringVar(&how, "how", "", a.text(mFlagHow))
	c.Flags().StringVar(&tracking, "tracking", "", a.text(mFlagTracking))
	c.Flags().BoolVar(&back, "return", false, a.text(mFlagReturn))
	a.eventFlags(c, &s)
	c.Flags().StringVar(&s.revoked, "revoked", "", a.text(mFlagRevoked))
	return c
}

// fact adds a detail that is not empty.
func (s *said) fact(name, value string) {
	if value != "" {
		s.e.Detail = append(s.e.Detail, packager.EventDetail{Name: name, Value: value})
	}
}

// custodyRelease says that an archive is given away, and which bytes it has at that moment.
func (a *app) custodyRelease(file string, s *said) error {
	t, err := a.target(file, s.log)
	if err != nil {
		return err
	}
	e, err := a.event(s, "released")
	if err != nil {
		return err
	}
	_, events, err := t.events()
	if err != nil {
		return invalidLog(err, a.text(mHintLogBroken))
	}
	if e.Object, err = t.hash(); err != nil {
		return err
	}
	if was, known := custody.Stored(events); known && was.SHA256 != e.Object.SHA256 {
		return invalidLog(otherBytes(t, e.Object, was), a.text(mHintOtherBytes))
	}
	e, err = a.record(t, s, e)
	if err == nil && !s.json {
		a.tellNext(e)
	}
	return err
}
