// Package collector says what is taken from a host and in which order, and runs
// it. It knows no archive: evidence goes to an evidence.Sink.
//
// A collector is a value, written in about twenty lines:
//
//	func Uptime() collector.Collector {
//		return collector.Collector{
//			Name: "uptime", Doc: "how long the kernel has been up",
//			Volatility: collector.Live,
//			Limit:      collector.Limit{Time: 5 * time.Second},
//			Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
//				return to.Put(ctx, evidence.Item{Path: "volatile/uptime/raw.txt", Source: "/proc/uptime"},
//					func(w io.Writer) error { return h.Copy(w, "/proc/uptime", 1<<10) })
//			},
//		}
//	}
//
// Rules that every collector keeps, and that hosttest.Conform checks:
//
//   - Raw bytes first, parsed rows second: what the kernel said, then the table made from it.
//   - A read that fails is data: return the error from fill, and Put records the outcome.
//     Collect returns an error only where Put returned one.
//   - Everything that can be tried is tried; what is not tried has a record that says why.
//   - It stops soon after ctx ends, writes nothing, starts nothing, resolves no name.
//   - Order is stable: the same host gives the same items in the same order
//     (items that are read in parallel excepted: their tables are sorted).
//   - Files ending in _linux.go only fetch bytes. Parsers are in neutral files, and are fuzzed.
//
// Where to begin: collector.go has the types, host.go the machine as a test can
// fake it, plan.go the order, run.go the running. The list of collectors is in
// the agent's collectors.go; package hosttest has a fake host and a fake sink.
package collector
