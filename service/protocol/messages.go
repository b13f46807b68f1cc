package protocol

// Messages are JSON objects; unknown fields are refused, so are messages over
// MaxMessage bytes (Encode, Decode). Every answer has Error: empty, or why not, in English.

// MaxMessage bounds a message that is no part of a file, in bytes.
const MaxMessage = 256 << 10

// MaxLine bounds an audit line and a progress event, in bytes.
const MaxLine = 16 << 10

// Ack answers a part or a status line. Error is empty when it is stored for good; then
// the sender may forget it. Otherwise nothing of it was stored: a part may be tried
// again from Offset, after Wait seconds.
type Ack struct {
	Error  string `json:"error"`
	Seq    uint64 `json:"seq"`    // in the stream
	Offset int64  `json:"offset"` // of a file: bytes that are stored without a gap, so where the next part begins
	Wait   int64  `json:"wait_s"` // the hub is full or busy; 0 if trying again is of no use as it is
}

// Hello is presence: who, which version, how much waits.
type Hello struct {
	Device   string `json:"device"`
	Version  string `json:"version"`
	Host     string `json:"host"` // name of the machine, as it says itself
	OS       string `json:"os"`
	Outbox   int    `json:"outbox"`       // archives that wait
	OutboxB  int64  `json:"outbox_bytes"` // of those
	Busy     string `json:"busy"`         // the job that runs; "" if none
	Isolated string `json:"isolated"`     // until when, RFC 3339; "" if not
	Sent     string `json:"sent"`
}

// Progress tells what the collection of a job is doing; the newest counts.
type Progress struct {
	Job        string `json:"job"`
	Collection string `json:"collection"`
	Event      string `json:"event"` // one line, as `hozen collect --json` prints it
}

// Enrolment is the request of an endpoint or operator that has a token. Payload is an
// EnrolStatement in the encoding of package signed, Sig its signature by the device key
// (namespace hozen-enrol-v1). An operator has no device key: Sig is empty, and so are
// Device and DeviceKey of the statement. Asked again with the same token, nkey and device
// key, the hub answers as the first time: an answer may be lost on the way.
type Enrolment struct {
	Payload string `json:"payload"`
	Sig     string `json:"sig"`
}

// EnrolType names version 1 of EnrolStatement.
const EnrolType = "hozen/enrol/1"

// EnrolStatement binds a connection's nkey to a device key.
type EnrolStatement struct {
	Type      string `json:"type"` // hozen/enrol/1
	Device    string `json:"device"`
	DeviceKey string `json:"device_key"` // as in authorized_keys
	NKey      string `json:"nkey"`
	Host      string `json:"host"`
	Version   string `json:"version"`
	Time      string `json:"time"`
}

// EnrolAnswer tells the new endpoint or operator who the hub is.
type EnrolAnswer struct {
	Error  string `json:"error"`
	Hub    string `json:"hub"`     // its name
	HubKey string `json:"hub_key"` // which signs receipts; as in authorized_keys
}

// JobsRequest asks for envelopes behind a sequence number of HOZEN_JOBS.
type JobsRequest struct {
	After uint64 `json:"after"`
}

// JobsAnswer has at most as many as fit into a message; More says that there are others.
// Stream names this life of HOZEN_JOBS (such as the time when it was made): where it is
// another than before, the numbers began anew, and the endpoint asks again from 0. So it
// does where it asked for what is behind Last.
type JobsAnswer struct {
	Error  string      `json:"error"`
	Stream string      `json:"stream"`
	Last   uint64      `json:"last"` // number of the newest job in HOZEN_JOBS, whoever it is for; 0 if none
	Jobs   []QueuedJob `json:"jobs"` // in the order of their numbers
	More   bool        `json:"more"`
}

// QueuedJob is an envelope with its number in the stream.
type QueuedJob struct {
	Seq      uint64 `json:"seq"`
	Envelope string `json:"envelope"`
}

// ResumeRequest asks how far a file has got. File is "archive" or "log".
type ResumeRequest struct {
	Collection string `json:"collection"`
	File       string `json:"file"`
}

// ResumeAnswer gives the number of bytes, from the beginning and without a gap, that
// are stored.
type ResumeAnswer struct {
	Error  string `json:"error"`
	Offset int64  `json:"offset"`
	Wait   int64  `json:"wait_s"` // with Error: when to ask again; 0 if that is of no use
}

// CommitRequest says that both files of a collection are whole.
type CommitRequest struct {
	Collection string `json:"collection"`
	Job        string `json:"job"` // that asked for it; "" if none
	Archive    Whole  `json:"archive"`
	Log        Whole  `json:"log"`
}

// Whole is a complete file.
type Whole struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// CommitAnswer says that the hub verifies now; the receipt comes when it is done.
type CommitAnswer struct {
	Error string `json:"error"`
	Wait  int64  `json:"wait_s"` // with Error: when to ask again; 0 if that is of no use
}

// ReceiptRequest asks for the receipt of a collection.
type ReceiptRequest struct {
	Collection string `json:"collection"`
}

// ReceiptAnswer has the signed receipt, or says that there is none yet. Error may say
// that what arrived is not what the commit said: then it is to be sent again.
type ReceiptAnswer struct {
	Error   string        `json:"error"`
	Receipt SignedReceipt `json:"receipt"` // empty: not yet
}

// SignedReceipt is a Receipt in the encoding of package signed, and its signature by
// the hub's key (namespace hozen-receipt-v1).
type SignedReceipt struct {
	Payload string `json:"payload"`
	Sig     string `json:"sig"`
}

// ReceiptType names version 1 of Receipt.
const ReceiptType = "hozen/receipt/1"

// NotVerified is the verdict of a receipt for files whose verification was broken off,
// because it took too long: the hub has them whole, as they were committed, and has no
// word on what is in them.
const NotVerified = "NOT-VERIFIED"

// Receipt is the hub's statement about what arrived.
type Receipt struct {
	Type       string `json:"type"` // hozen/receipt/1
	Collection string `json:"collection"`
	Endpoint   string `json:"endpoint"` // the nkey that sent it
	Device     string `json:"device"`
	Job        string `json:"job"`
	Archive    Whole  `json:"archive"`
	Log        Whole  `json:"log"`
	Verdict    string `json:"verdict"` // of the hub's own verification, with the device's enrolled key trusted
	Head       string `json:"head"`
	Findings   int    `json:"findings"`
	Stored     string `json:"stored"` // where: a word for people
	Hub        string `json:"hub"`
	Key        string `json:"key"`
	Time       string `json:"time"`
}

// SendAnswer says how many endpoints a job went to.
type SendAnswer struct {
	Error string   `json:"error"`
	Job   string   `json:"job"`
	To    []string `json:"to"` // devices
}

// StatusRequest asks what became of a job.
type StatusRequest struct {
	Job string `json:"job"`
}

// StatusAnswer has what each device said, newest last, and its last progress.
type StatusAnswer struct {
	Error   string         `json:"error"`
	Job     string         `json:"job"`
	Devices []DeviceStatus `json:"devices"`
}

// DeviceStatus is what one device said of a job. Lines are audit lines as the device
// signed them.
type DeviceStatus struct {
	Device   string   `json:"device"`
	State    string   `json:"state"`  // one of States
	Reason   string   `json:"reason"` // of a refusal or failure
	Lines    []string `json:"lines"`
	Progress string   `json:"progress"` // the newest progress event, as it came
	Safe     string   `json:"safe"`     // the newest event volatile_safe, incomplete, unlocked_disk or output_in_memory, as it came: may it be switched off
	Receipt  string   `json:"receipt"`  // verdict of the receipt; "" if none
}

// States are the words of DeviceStatus.State: sent is the hub's own, every other the event
// of the newest audit line of the device about the job.
func States() []string {
	return []string{"sent", "accepted", "refused", "started", "sealed", "partial", "failed", "done", "delivered", "cancelled", "isolated", "rejoined"}
}

// EndpointsRequest asks for the endpoints whose device name is behind After, in the order of bytes.
type EndpointsRequest struct {
	After string `json:"after"`
}

// EndpointsAnswer lists as many endpoints as fit into a message, in the order of their
// names; More says that there are others.
type EndpointsAnswer struct {
	Error     string     `json:"error"`
	Endpoints []Endpoint `json:"endpoints"`
	More      bool       `json:"more"`
}

// Endpoint is an enrolled endpoint.
type Endpoint struct {
	ID        string `json:"id"` // nkey
	Device    string `json:"device"`
	DeviceKey string `json:"device_key"`
	Enrolled  string `json:"enrolled"`
	LastSeen  string `json:"last_seen"`
	Online    bool   `json:"online"`
	Hello     Hello  `json:"hello"`
}
