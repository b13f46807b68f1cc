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
	mHintNothing
	mHintReadBack
	mExitAtOnce

	mShortRoot
	mLongRoot
	mShortVersion
	mShortCompletion
	mShortCollect
	mLongCollect
	mFlagLang
	mFlagHelp
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
	mThrowaway
	mWarnCgo
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

	mItem
	mItems
	mLive
	mStep
	mStepEnd
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
	mSafeInMemory
	mSafeLocks
	mSafeChosen
	mAlsoShort

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
	mCountOf

	mFlagTrust
	mFlagFingerprint
	mFlagHead
	mFlagLog
	mFlagNoLog
	mFlagShort
	mFlagJSONRecords
	mFlagTo
	mFlagRecoverKey
	mFlagDevice
	mFlagTrustDevice
	mFlagTrustFile

	mHintTrust
	mHintList
	mHintExtract
	mHintRecover
	mHintPublic

	mShortVerify
	mLongVerify
	mShortShow
	mLongShow
	mShortExtract
	mLongExtract
	mShortRecover
	mLongRecover
	mShortKey
	mLongKey
	mShortKeyNew
	mShortKeyShow
	mShortKeyTrust
	mShortDoctor
	mLongDoctor

	mReading
	mRowCollection
	mRowTaken
	mRowHost
	mRowCase
	mRowOperator
	mRowReason
	mRowWitness
	mRowSigner
	mRowComplete
	mRowContents
	mContents
	mRowOutcomes
	mRowNotPlanned
	mNoneShort
	mSomeShort
	mRowRest
	mRest
	mRowLog
	mRowAnchors
	mMeaning
	mMeaningPartial
	mMeaningUntrusted
	mMeaningUntrustedPartial
	mNoAnchor
	mSealedAll
	mSealedEarly
	mInterrupted
	mSignerTrusted
	mSignerPaper
	mSignerUntrusted

	mVerdictValid
	mVerdictInvalid
	mVerdictPartial
	mVerdictUntrusted
	mVerdictOuter
	mVerdictNotEvidence

	mExtracted
	mRecovered
	mRecoveredBy
	mRecoveredNext
	mRecoveredPaper
	mNotRecovered
	mKeyMade
	mDevice
	mSignerLine
	mTrusted

	mRowRights
	mRowOutput
	mRowPlan
	mEstimate
	mRowDisks
	mNoUnlocked
	mDoctorNoOutput
	mDoctorFine
	mDoctorDenied
	mDoctorDeniedRoot
	mReadable
	mNotRoot
	mRoot
	mMissing
	mFree

	messageCount
)
