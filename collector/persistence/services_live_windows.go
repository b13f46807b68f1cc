package persistence

import (
	"hozen/collector/ntapi"
	"hozen/collector/persistence/scm"
)

// thisSystem is the Windows that we run on.
type thisSystem struct{ *scm.Manager }

func openRunning() (running, error) {
	m, err := scm.Open()
	if err != nil {
		return nil, err
	}
	return thisSystem{m}, nil
}

func (thisSystem) drivers() (ntapi.Answer, error) {
	const most = 16 << 20
	return ntapi.QuerySystem(ntapi.SystemModule, most)
}

func (s thisSystem) close() { s.Close() }
