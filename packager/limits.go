package packager

import "time"

// The limits of the format. A reader refuses what goes over them, so that a
// hostile archive cannot make it use more memory than it has.
const (
	// BlockSize is the most tar bytes in one data frame, and the largest zstd window.
	BlockSize = 1 << 20
	// maxStored is the most bytes in a stored frame (a statement or the seal):
	// the seek table of an archive of 16 TiB fits.
	maxStored = 256 << 20
	// maxFrame bounds the compressed size of a data frame: raw blocks and their headers.
	maxFrame = BlockSize + 4096
	// storedBlock is the size of the raw blocks of a stored frame
	// (RFC 8878 section 3.1.1.2.4: Block_Maximum_Size is at most 128 KiB).
	storedBlock = 128 << 10
	// maxMember is the most bytes of one member: larger items come in parts.
	maxMember = 64 << 20
	// maxManifest bounds the members that a verifier holds in memory whole.
	maxManifest = 64 << 20
	// maxLog bounds a custody log, and maxLogLine one line of it.
	maxLog     = 256 << 20
	maxLogLine = 1 << 20

	// partUnknown is the size of the parts in which an item of unknown size is kept.
	partUnknown = 8 << 20

	// A checkpoint is due after that many tar bytes, members, bytes of records, or that long.
	dueBytes   = 64 << 20
	dueMembers = 5000
	dueRecords = 16 << 20
	dueAfter   = 10 * time.Second

	// hungGrace is how long Put waits for a fill after its context ended.
	hungGrace = time.Second
)

// Names in the archive, below <id>/.
const (
	nameBagit         = "bagit.txt"
	nameBagInfo       = "bag-info.txt"
	nameManifest      = "manifest-sha256.txt"
	nameTagManifest   = "tagmanifest-sha256.txt"
	nameGenesis       = "custody/genesis.json"
	nameJob           = "custody/job.json"
	nameIndex         = "custody/index.tsv"
	nameJoined        = "custody/joined.sha256"
	nameSeal          = "custody/seal.json"
	nameSeekTable     = "custody/seektable.zst"
	nameCheckpoints   = "custody/cp/"
	sigSuffix         = ".sig"
	deviceSigSuffix   = ".device.sig"
	operatorSigSuffix = ".operator.sig"
)
