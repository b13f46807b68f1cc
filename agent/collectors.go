package main

import (
	"hozen/collector"
	"hozen/collector/volatile"
)

// collectors is THE list: what is taken, in order of volatility. What dies first
// comes first; the collectors' own files say the rest.
func collectors(args []string) []collector.Collector {
	return []collector.Collector{
		volatile.HostIdentity(volatile.Tool{Version: version, Args: args}), // clocks first: every later time is measured against them
		volatile.Temporary(), // file systems in memory: large, and they last until power-off
	}
}
