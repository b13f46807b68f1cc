package onwindows

import (
	"context"

	"hozen/packager/evidence/fault"
)

// Connections reads the four tables of sockets of the running Windows now, without the
// names of modules. Rows that were read before an error are given with it.
func Connections(ctx context.Context) (out []SocketRow, err error) {
	sys, t := thisSystem(), newSocketTables(nil)
	for _, table := range []struct {
		name string
		rows func(b []byte, row func(any)) error
	}{{"sockets/tcp4", t.tcp4}, {"sockets/tcp6", t.tcp6}, {"sockets/udp4", t.udp4}, {"sockets/udp6", t.udp6}} {
		b, e := sys.answer(ctx, table.name)
		if e == nil {
			e = table.rows(b, func(row any) {
				if r, ok := row.(*SocketRow); ok {
					out = append(out, *r)
				}
			})
		}
		err = fault.Join(err, e)
	}
	return out, err
}
