package custody

import (
	"fmt"
	"slices"
	"strings"

	"hozen/packager"
)

// ClockText says what another clock said of the examined machine's, and how sure that is.
// most bounds the error of this machine's clock, in milliseconds, as the event or row says
// (max_error_ms); 0: it says none.
func ClockText(s packager.ClockSource, most int64) Words {
	measured := measurement(s)
	size, unsure := max(s.OffsetMS, -s.OffsetMS), Unsure(s.OffsetMS, most)
	if most > 0 && size <= unsure {
		return Words{fmt.Sprintf("%s %s and this machine: no difference beyond the error of %s s (%s)", s.Kind, s.ID, inSeconds(unsure), measured[0]),
			fmt.Sprintf("%s %s と本端末: 誤差 %s 秒を超える差なし (%s)", s.Kind, s.ID, inSeconds(unsure), measured[1])}
	}
	en, ja := "ahead of", "進み"
	if s.OffsetMS < 0 {
		en, ja = "behind", "遅れ"
	}
	bound := Words{"; its error is not recorded", "、誤差の記録なし"}
	if most > 0 {
		bound = Words{fmt.Sprintf(", ± %s s", inSeconds(unsure)), fmt.Sprintf("、誤差 ± %s 秒", inSeconds(unsure))}
	}
	return Words{fmt.Sprintf("%s %s is %s s %s this machine%s (%s)", s.Kind, s.ID, inSeconds(size), en, bound[0], measured[0]),
		fmt.Sprintf("%s %s は本端末より %s 秒%s%s (%s)", s.Kind, s.ID, inSeconds(size), ja, bound[1], measured[1])}
}

func measurement(s packager.ClockSource) Words {
	return Words{fmt.Sprintf("offset %+d ms, round trip %d ms", s.OffsetMS, s.RTTMS), fmt.Sprintf("差 %+d ms、往復 %d ms", s.OffsetMS, s.RTTMS)}
}

// measured says whether the archive's own table told of it: that has the error of each clock,
// an event one bound for all of them.
func (f *form) measured(s packager.ClockSource) bool {
	return slices.ContainsFunc(f.at["C3"].Answers, func(a Answer) bool {
		return a.Seq == 0 && strings.HasPrefix(a.Text, s.Kind+" "+s.ID+" ") && strings.HasSuffix(a.Text, "("+measurement(s)[0]+")")
	})
}

// Unsure is by how much an offset may be wrong, in milliseconds: what is left of the bound
// of a clock's error without the offset itself.
func Unsure(offset, most int64) int64 { return max(most-max(offset, -offset), 0) }

func inSeconds(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }

// stamped says what a time stamp says: when, by whom, of what; and, where the archive was
// verified with it, whether its authority was believed.
func (f *form) stamped(e *packager.Event) Words {
	of, ofJA := "the seal", "封印"
	if e.Fact("seal") == "" {
		of, ofJA = "a statement", "区切り署名など"
	}
	w := Words{fmt.Sprintf("time stamp (RFC 3161) %s by %s, of %s", seconds(e.Fact("gen_time")), e.Fact("tsa"), of),
		fmt.Sprintf("タイムスタンプ (RFC 3161) %s、%s、対象は%s", seconds(e.Fact("gen_time")), e.Fact("tsa"), ofJA)}
	for _, s := range f.stamps {
		switch {
		case s.Event != e.Seq:
		case s.Believed:
			return Words{w[0] + " (authority believed here)", w[1] + "(局を信頼)"}
		default:
			return Words{w[0] + " (authority not believed here: " + s.Why + ")", w[1] + "(局は未確認)"}
		}
	}
	return w
}
