package main

import "hozen/packager"

// eventWord is an event in the language of the run, with the word that stands in the log.
func (a *app) eventWord(name string) string {
	m, ok := map[string]message{
		"started": mEventStarted, "checkpoint": mEventCheckpoint, "sealed": mEventSealed, "recovered": mEventRecovered,
		"rekey": mEventRekey, "receipt": mEventReceipt, "countersigned": mEventCountersigned, "timestamped": mEventTimestamped,
		"released": mEventReleased, "received": mEventReceived, "stored": mEventStored, "checked_out": mEventCheckedOut,
		"checked_in": mEventCheckedIn, "opened": mEventOpened, "verified": mEventVerified, "copied": mEventCopied,
		"exported": mEventExported, "reencrypted": mEventReencrypted, "renewed": mEventRenewed, "isolated": mEventIsolated,
		"rejoined": mEventRejoined, "corrected": mEventCorrected, "disputed": mEventDisputed, "destroyed": mEventDestroyed,
		"discovered": mEventDiscovered, "reported": mEventReported,
		"clock": mEventClock, "timestamp_failed": mEventNoStamp, "described": mEventDescribed, "attached": mEventAttached,
	}[name]
	if !ok {
		return escape(name)
	}
	return a.text(m)
}

// tellNext says what is to be done after an archive was given away.
func (a *app) tellNext(e packager.Event) {
	for _, line := range []string{a.text(mReleasedGive, escape(e.Counterpart)), a.text(mReleasedKeep)} {
		a.say(line)
	}
}

func (a *app) say(line string) { _, _ = a.stdout.Write([]byte(line + "\n")) }
