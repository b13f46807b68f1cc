package main

import "github.com/spf13/cobra"

// custodyCommand is the custody log among people. Each of its commands has a file of its
// name.
func (a *app) custodyCommand() *cobra.Command {
	c := &cobra.Command{Use: "custody", Short: a.text(mShortCustody), Long: a.text(mLongCustody), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.custodyCommands()...)
	return c
}

// custodyCommands lists the commands in the order of the help.
func (a *app) custodyCommands() []*cobra.Command {
	return []*cobra.Command{
		a.custodyAddCommand(),
		a.custodyReleaseCommand(),
		a.custodyReceiveCommand(),
		a.custodyCountersignCommand(),
		a.custodyShowCommand(),
		a.custodyVerifyCommand(),
		a.custodyCompareCommand(),
		a.custodyFormCommand(),
		a.custodyTimestampCommand(),
	}
}
