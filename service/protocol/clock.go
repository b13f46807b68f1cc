package protocol

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// HeaderClock is a header of the hub's answers to requests below APISubject: by its clock,
// when the request came and when the answer left. Who does not know it passes it over.
const HeaderClock = "Hozen-Clock"

// ClockText is the value of HeaderClock: both times in RFC 3339, UTC, with nanoseconds.
func ClockText(came, left time.Time) string { return ClockMark(came) + " " + ClockMark(left) }

// ClockMark is one of the two times.
func ClockMark(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// ParseClock reads what ClockText writes. It refuses an answer that left before its
// request came.
func ParseClock(text string) (came, left time.Time, err error) {
	first, second, _ := strings.Cut(text, " ")
	if came, err = time.Parse(time.RFC3339Nano, first); err == nil {
		left, err = time.Parse(time.RFC3339Nano, second)
	}
	if err == nil && left.Before(came) {
		err = errors.New("it left before it came")
	}
	if err != nil {
		return came, left, fmt.Errorf("%w: %s %.80q: %w", ErrMessage, HeaderClock, text, err)
	}
	return came, left, nil
}
