package protocol

// Subjects, with the id of the endpoint or operator behind them.
//
//	hozen.job.E        hub → endpoint   there is a job (stream HOZEN_JOBS): ask for it
//	hozen.status.E     endpoint → hub   audit lines about jobs (stream HOZEN_STATUS)
//	hozen.progress.E   endpoint → hub   what a collection is doing (stream HOZEN_PROGRESS, the newest few)
//	hozen.hello.E      endpoint → hub   presence, not stored
//	hozen.part.E.C.F   endpoint → hub   parts of file F of collection C (stream HOZEN_PARTS)
//	hozen.receipt.E    hub → endpoint   receipts (stream HOZEN_RECEIPTS)
//	hozen.api.E.VERB   request to the hub
//	hozen.enrol.E      request of a connection that has a token and nothing else
//
// A connection proves E by signing the server's nonce. One that has a token and is not
// enrolled yet gives the token's secret as the connection's auth_token beside it, may
// ask hozen.enrol.E only, and connects anew when it is enrolled. Its requests must use
// an inbox below InboxPrefix+E: nothing is answered elsewhere.
const (
	JobSubject      = "hozen.job."
	StatusSubject   = "hozen.status."
	ProgressSubject = "hozen.progress."
	HelloSubject    = "hozen.hello."
	PartSubject     = "hozen.part."
	ReceiptSubject  = "hozen.receipt."
	APISubject      = "hozen.api."
	EnrolSubject    = "hozen.enrol."
	InboxPrefix     = "_INBOX_" // followed by E: nobody else may listen there
)

// Verbs of an endpoint's requests.
const (
	VerbJobs    = "jobs"    // JobsRequest → JobsAnswer: envelopes that came after a number
	VerbResume  = "resume"  // ResumeRequest → ResumeAnswer: how far a file has got
	VerbCommit  = "commit"  // CommitRequest → CommitAnswer: the file is whole, verify it
	VerbReceipt = "receipt" // ReceiptRequest → ReceiptAnswer: the receipt, if there is one yet
)

// Verbs of an operator's requests.
const (
	VerbSend      = "send"      // an envelope → SendAnswer
	VerbStatus    = "status"    // StatusRequest → StatusAnswer
	VerbEndpoints = "endpoints" // nothing → EndpointsAnswer
)

// PartBytes is the most bytes of one part: less than the default limit of a NATS
// server for one message (1 MiB), with its headers.
const PartBytes = 512 << 10

// Headers of a part.
const (
	HeaderOffset = "Hozen-Offset" // of its first byte in the file, decimal
	HeaderSHA256 = "Hozen-SHA256" // of its bytes, hex
)
