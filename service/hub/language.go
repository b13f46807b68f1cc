package main

import (
	"bytes"
	"io"

	"github.com/spf13/cobra"

	"hozen/packager/ja"
)

// inLanguage puts what cobra says of its own, the help's headings too, into the language of
// the run. c has all its commands.
func (a *app) inLanguage(c *cobra.Command) {
	c.PersistentFlags().BoolP("help", "h", false, a.text(mHelpShort))
	c.InitDefaultVersionFlag()
	c.Flags().Lookup("version").Usage = a.text(mVersionShort)
	c.InitDefaultHelpCmd()
	c.InitDefaultCompletionCmd()
	for _, sub := range c.Commands() {
		switch sub.Name() {
		case "help":
			sub.Short = a.text(mHelpShort)
		case "completion":
			sub.Short = a.text(mShellShort)
		}
	}
	if a.lang == 0 {
		return
	}
	plain := (&cobra.Command{}).UsageFunc()
	c.SetUsageFunc(func(c *cobra.Command) error {
		to := c.OutOrStderr()
		var b bytes.Buffer
		c.SetOut(&b)
		err := plain(c)
		c.SetOut(to)
		if err == nil {
			_, err = io.WriteString(to, ja.Usage(b.String()))
		}
		return err
	})
}

// why is an error in the language of the run.
func (a *app) why(err error) string {
	if a.lang == 0 {
		return err.Error()
	}
	return ja.New().Of(err.Error())
}
