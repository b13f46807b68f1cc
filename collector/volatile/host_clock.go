package volatile

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// ClockRow is one reading of the machine's clocks, all within SpreadNS
// (clock_gettime(2); on Windows: the system time, the interrupt time without and with
// sleep, and the performance counter as raw). On a host that is only files there is just Wall, and it is
// the clock of the machine that reads them.
type ClockRow struct {
	Kind        string `json:"kind"` // "clock"
	When        string `json:"when"` // "start", "identity", "end"
	Live        bool   `json:"live"` // false: the clock is not the examined machine's
	Wall        string `json:"wall"` // CLOCK_REALTIME, RFC 3339 UTC
	MonotonicNS int64  `json:"monotonic_ns,omitempty"`
	BoottimeNS  int64  `json:"boottime_ns,omitempty"` // with the time spent suspended
	RawNS       int64  `json:"raw_ns,omitempty"`      // CLOCK_MONOTONIC_RAW: not slewed by NTP
	TAINS       int64  `json:"tai_ns,omitempty"`
	SpreadNS    int64  `json:"spread_ns,omitempty"` // between the first and the last of these readings
	Error       string `json:"error,omitempty"`
}

// NTPRow is what adjtimex(2) says of the kernel's clock discipline, read with
// modes=0, which changes nothing. Constants: include/uapi/linux/timex.h.
type NTPRow struct {
	Kind        string   `json:"kind"`  // "ntp"
	State       string   `json:"state"` // ok, insert, delete, in_progress, wait, error
	Status      int64    `json:"status"`
	StatusNames []string `json:"status_names"`
	OffsetNS    int64    `json:"offset_ns"`
	FreqScaled  int64    `json:"frequency_scaled_ppm"` // ppm × 65536
	MaxErrorUS  int64    `json:"max_error_us"`
	EstErrorUS  int64    `json:"estimated_error_us"`
	TickUS      int64    `json:"tick_us"`
	TAIOffset   int64    `json:"tai_offset_s"`
	Synced      bool     `json:"synchronised"`
	Error       string   `json:"error,omitempty"`
}

// ZoneRow says in which zone the machine shows its times.
type ZoneRow struct {
	Kind      string     `json:"kind"`                // "zone"
	Localtime jsonl.Text `json:"localtime,omitempty"` // target of /etc/localtime
	Timezone  jsonl.Text `json:"timezone,omitempty"`  // /etc/timezone
	TZ        jsonl.Text `json:"tz,omitempty"`        // our own environment
	Name      jsonl.Text `json:"name,omitempty"`      // what follows from these: "Asia/Tokyo"; on Windows its own: "Tokyo Standard Time"
	// Of Windows alone: the names it shows, and the minutes to be added to local time to make UTC.
	Standard    jsonl.Text `json:"standard_name,omitempty"`
	Daylight    jsonl.Text `json:"daylight_name,omitempty"`
	BiasMinutes int64      `json:"bias_minutes,omitempty"`
}

// RTCRow is one hardware clock (Documentation/ABI/testing/rtc-cdev, sysfs rtc class).
type RTCRow struct {
	Kind       string     `json:"kind"` // "rtc"
	Device     jsonl.Text `json:"device"`
	Name       jsonl.Text `json:"name,omitempty"`
	SinceEpoch jsonl.Text `json:"since_epoch,omitempty"`
	Date       jsonl.Text `json:"date,omitempty"`
	Time       jsonl.Text `json:"time,omitempty"`
	Read       string     `json:"read"` // wall clock when the device was read
}

// BootRow says which boot this is and how long it has lasted.
type BootRow struct {
	Kind             string     `json:"kind"` // "boot"
	BootID           jsonl.Text `json:"boot_id,omitempty"`
	Uptime           jsonl.Text `json:"uptime,omitempty"` // /proc/uptime: seconds up, seconds idle
	Btime            jsonl.Text `json:"btime,omitempty"`  // /proc/stat: seconds since 1970 of the boot
	Clocksource      jsonl.Text `json:"clocksource,omitempty"`
	ClocksourcesHere jsonl.Text `json:"clocksources_available,omitempty"`
	// Of Windows alone: when it started, as it counts now (it moves with the clock), how
	// long it has slept since, and by how much the clock was set since.
	Boot     string `json:"boot_time,omitempty"`
	AsleepNS int64  `json:"asleep_ns,omitempty"`
	MovedNS  int64  `json:"moved_ns,omitempty"`
}

// clockReading holds clock_gettime in nanoseconds.
type clockReading struct{ wall, mono, boot, raw, tai, spread int64 }

// ntpReading holds the fields of struct timex that are kept.
type ntpReading struct {
	state                                               int
	status, offset, freq, maxError, estError, tick, tai int64
}

// PutClock writes all clocks to "volatile/host/clock-WHEN.jsonl": kinds clock,
// ntp, zone, rtc and boot. The collector host calls it first thing with "start";
// the agent calls it with "end" after the last step, so that whoever compares the
// two sees a clock that was set or drifted meanwhile.
func PutClock(ctx context.Context, h *collector.Host, to evidence.Sink, when string) error {
	item := evidence.Item{
		Path:   "volatile/host/clock-" + when + ".jsonl",
		Source: "clock_gettime(2), adjtimex(2), /etc/localtime, /sys/class/rtc, /proc/uptime", Collector: "host",
	}
	return to.Put(ctx, item, func(w io.Writer) error {
		t := jsonl.NewWriter(w)
		r := &factReader{h: h}
		for _, row := range clockRows(r, when) {
			if err := t.Row(row); err != nil {
				return err
			}
		}
		return fault.Join(t.Flush(), r.tally.Err())
	})
}

func clockRows(r *factReader, when string) []any {
	rows := []any{clockRow(r, when)}
	if own, ok := systemItself(r); ok {
		return append(rows, own.zone, own.boot)
	}
	if r.h.Live {
		rows = append(rows, ntpRow(r))
	}
	rows = append(rows, zoneRow(r), bootRow(r))
	return append(rows, rtcRows(r)...)
}

func clockRow(r *factReader, when string) ClockRow {
	row := ClockRow{Kind: "clock", When: when, Live: r.h.Live, Wall: stamp(r.h.Time())}
	if !r.h.Live {
		return row
	}
	c, err := readClocks()
	if err != nil {
		r.tally.Add("clock_gettime", err)
		row.Error = err.Error()
		return row
	}
	row.Wall = stamp(time.Unix(0, c.wall))
	row.MonotonicNS, row.BoottimeNS, row.RawNS, row.TAINS, row.SpreadNS = c.mono, c.boot, c.raw, c.tai, c.spread
	return row
}

func ntpRow(r *factReader) NTPRow {
	n, err := readNTP()
	if err != nil {
		r.tally.Add("adjtimex", err)
		return NTPRow{Kind: "ntp", Error: err.Error()}
	}
	return decodeNTP(n)
}

// Bits of timex.status, include/uapi/linux/timex.h.
const (
	staUnsync = 0x0040
	staNano   = 0x2000
)

func decodeNTP(n ntpReading) NTPRow {
	states := []string{"ok", "insert", "delete", "in_progress", "wait", "error"}
	names := []string{
		"PLL", "PPSFREQ", "PPSTIME", "FLL", "INS", "DEL", "UNSYNC", "FREQHOLD",
		"PPSSIGNAL", "PPSJITTER", "PPSWANDER", "PPSERROR", "CLOCKERR", "NANO", "MODE", "CLK",
	}
	row := NTPRow{
		Kind: "ntp", State: "unknown", Status: n.status, StatusNames: []string{}, OffsetNS: n.offset,
		FreqScaled: n.freq, MaxErrorUS: n.maxError, EstErrorUS: n.estError, TickUS: n.tick, TAIOffset: n.tai,
		Synced: n.status&staUnsync == 0,
	}
	if n.state >= 0 && n.state < len(states) {
		row.State = states[n.state]
	}
	for i, name := range names {
		if n.status&(1<<i) != 0 {
			row.StatusNames = append(row.StatusNames, name)
		}
	}
	if n.status&staNano == 0 {
		row.OffsetNS *= 1000
	}
	return row
}

func zoneRow(r *factReader) ZoneRow {
	row := ZoneRow{Kind: "zone", Timezone: r.text("/etc/timezone")}
	target, err := r.h.Readlink("/etc/localtime")
	if !errors.Is(err, errNotLink) {
		r.tally.Add("/etc/localtime", err)
	}
	row.Localtime = jsonl.Text(target)
	if r.h.Live {
		row.TZ = jsonl.Text(os.Getenv("TZ"))
	}
	switch _, zone, ok := strings.Cut(target, "zoneinfo/"); {
	case ok:
		row.Name = jsonl.Text(zone)
	default:
		row.Name = row.Timezone
	}
	return row
}

func bootRow(r *factReader) BootRow {
	const cs = "/sys/devices/system/clocksource/clocksource0/"
	row := BootRow{
		Kind: "boot", BootID: r.text("/proc/sys/kernel/random/boot_id"), Uptime: r.text("/proc/uptime"),
		Clocksource: r.text(cs + "current_clocksource"), ClocksourcesHere: r.text(cs + "available_clocksource"),
	}
	for line := range strings.Lines(r.long("/proc/stat")) {
		if v, ok := strings.CutPrefix(line, "btime "); ok {
			row.Btime = jsonl.Text(strings.TrimSpace(v))
		}
	}
	return row
}

func rtcRows(r *factReader) (rows []any) {
	names := r.names("/sys/class/rtc", 8)
	slices.Sort(names)
	for _, n := range names {
		dir := path.Join("/sys/class/rtc", n)
		rows = append(rows, RTCRow{
			Kind: "rtc", Device: jsonl.Text(n), SinceEpoch: r.text(dir + "/since_epoch"),
			Read: stamp(r.h.Time()), Date: r.text(dir + "/date"), Time: r.text(dir + "/time"), Name: r.text(dir + "/name"),
		})
	}
	return rows
}
