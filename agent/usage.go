package main

import (
	"bytes"
	"io"

	"github.com/spf13/cobra"

	"hozen/packager/ja"
)

// usageFunc prints how a command is used, with the headings in the language of the
// run. It puts words in the place of others: a template of our own would link the
// template engine, and with it every method of every type of the program.
func (a *app) usageFunc() func(*cobra.Command) error {
	plain := (&cobra.Command{}).UsageFunc()
	if a.lang == english {
		return plain
	}
	return func(c *cobra.Command) error {
		to := c.OutOrStderr()
		var b bytes.Buffer
		c.SetOut(&b)
		err := plain(c)
		c.SetOut(to)
		if err == nil {
			_, err = io.WriteString(to, ja.Usage(b.String()))
		}
		return err
	}
}
