package flow

// quic reads the server name of a QUIC Initial packet.
func (t *Tables) quic(c *conn, dir int, b []byte) {}
