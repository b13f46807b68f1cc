package main

// message names one of the things that are said to people. What is said, in each
// language, is in catalogue.go.
type message int

const (
	mError message = iota
	mHint
	mHintHelp
	mHintCommandHelp
	mHintOut
	mHintKey
	mHintDryRun
	mHintPartial
	mHintReadBack
	mExitAtOnce

	mShortRoot
	mLongRoot
	mShortVersion
	mShortCollect
	mLongCollect
	mFlagLang
	mFlagOut
	mFlagRoot
	mFlagProfile
	mFlagOnly
	mFlagSkip
	mFlagLimit
	mFlagCase
	mFlagEvidence
	mFlagOperator
	mFlagReason
	mFlagPlace
	mFlagWitness
	mFlagKey
	mFlagDryRun
	mFlagJSON
	mFlagJSONEvents
	mFlagQuiet

	mGreeting
	mDoNotSwitchOff
	mDoNotSwitchOffNow
	mWarning
	mWarnNotRoot
	mWarnUnlocked
	mWarnMaybeUnlocked
	mWarnOwnDisk
	mWarnInMemory
	mWarnLittleRoom
	mWarnDisksUnknown
	mPlanHead
	mPlanNoDisk
	mPlanLimit
	mPlanSkipped
	mPlanOut
	mSkipFlag
	mSkipOnly
	mSkipProfile
	mSkipNotLive
	mSkipRights

	mLive
	mStep
	mStepShort
	mLeft
	mStillReading
	mNothing
	mUnderSecond
	mSeconds
	mMinutes
	mStopping
	mSealing
	mSafe
	mSafeDenied
	mSafeRefused
	mSafeShort

	mSumVerdict
	mSumStopped
	mSumNotSafe
	mSumTaken
	mSumAll
	mSumShort
	mSumMore
	mSumFiles
	mSumWriteDown
	mHead
	mFingerprint
	mSumNext
	mSumUntrusted
	mQR

	mCollected
	mPartial
	mAbsent
	mDenied
	mSkipped
	mFailed

	messageCount
)
