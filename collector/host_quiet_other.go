//go:build !linux

package collector

// Quiet gives the same host through a view in which no access time changes: this
// system has none, so it is h itself.
func (h *Host) Quiet() (quiet *Host, done func()) { return h, func() {} }
