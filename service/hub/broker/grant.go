package broker

import (
	"github.com/nats-io/jwt/v2"

	"hozen/service/protocol"
)

// Roles of a connection.
const (
	Endpoint = "endpoint"
	Operator = "operator"
	Invited  = "invited" // has a token, and is not enrolled yet
)

// A Client is a connection that asks to be let in.
type Client struct {
	ID     string // public nkey; that the connection holds it is proved
	Secret string // of a token; "" if it gave none
	Host   string // address that it comes from, as the server says
}

// An Authorizer says which role a connection has; "" and why, if none. It must be quick:
// all connections wait for it in turn.
type Authorizer interface {
	Authorize(c Client) (role string, err error)
}

// permissions are the only subjects that a connection of a role may use. Nobody can
// publish where JetStream listens: the hub stores what it has looked at.
func permissions(role, id string) jwt.Permissions {
	var p jwt.Permissions
	p.Sub.Allow.Add(protocol.InboxPrefix + id + ".>")
	switch role {
	case Endpoint:
		for _, s := range []string{protocol.StatusSubject, protocol.ProgressSubject, protocol.HelloSubject, protocol.EnrolSubject} {
			p.Pub.Allow.Add(s + id)
		}
		p.Pub.Allow.Add(protocol.PartSubject+id+".>", protocol.APISubject+id+".>")
		p.Sub.Allow.Add(protocol.JobSubject+id, protocol.ReceiptSubject+id)
	case Operator:
		p.Pub.Allow.Add(protocol.APISubject+id+".>", protocol.EnrolSubject+id)
	case Invited:
		p.Pub.Allow.Add(protocol.EnrolSubject + id)
	}
	return p
}
