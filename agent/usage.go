package main

import (
	"bytes"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// usageFunc prints how a command is used, with the headings in the language of the
// run. It puts words in the place of others: a template of our own would link the
// template engine, and with it every method of every type of the program.
func (a *app) usageFunc() func(*cobra.Command) error {
	plain := (&cobra.Command{}).UsageFunc()
	if a.lang == english {
		return plain
	}
	headings := strings.NewReplacer("Usage:\n", "使い方:\n", "Aliases:\n", "別名:\n", "Examples:\n", "例:\n", "Available Commands:\n", "コマンド:\n",
		"Additional Commands:\n", "ほかのコマンド:\n", "Global Flags:\n", "共通の指定:\n", "Flags:\n", "指定:\n", "[flags]", "[指定]",
		"Use \"", "`", " [command] --help\" for more information about a command.", " [command] --help` で各コマンドの説明を表示します。")
	return func(c *cobra.Command) error {
		to := c.OutOrStderr()
		var b bytes.Buffer
		c.SetOut(&b)
		err := plain(c)
		c.SetOut(to)
		if err == nil {
			_, err = io.WriteString(to, headings.Replace(b.String()))
		}
		return err
	}
}
