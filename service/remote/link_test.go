package remote

import (
	"context"
	"errors"
	"testing"

	"hozen/service/protocol"
)

// short is over before a link is tried again.
func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), leastDelay/2)
	t.Cleanup(cancel)
	return ctx
}

// What a hub says is quoted by nobody before it is printed.
func TestRefusalAsTheHubSaysIt(t *testing.T) {
	const why = `device "pc-43" is not enrolled`
	if err := refusal(why, true); !errors.Is(err, ErrRefused) || err.Error() != "refused by the hub: "+why {
		t.Error(err)
	}
	if err := refusal(why, false); err.Error() != "hub: "+why {
		t.Error(err)
	}
}

// While the link is lost, that is what is said, and not how the client's buffers are.
func TestAskedWithoutHub(t *testing.T) {
	h := newHub(t)
	state := enrolled(t, h)
	h.down()
	c := client(t, state)
	var a protocol.JobsAnswer
	if err := c.link.ask(soon(t), protocol.VerbJobs, protocol.JobsRequest{}, &a); !errors.Is(err, errAway) {
		t.Errorf("asked without a hub: %v", err)
	}
	if err := c.Status(short(t), []byte("{}")); !errors.Is(err, errAway) {
		t.Errorf("told without a hub: %v", err)
	}
	c.Close()
	h.up()
}
