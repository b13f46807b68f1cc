package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"hozen/service/config"
)

// maxToken is how long the text of a token may be, in bytes.
const maxToken = 16 << 10

// token gives the token that an argument means: @FILE is what the file holds, - what comes
// from the standard input, all else the token itself, which others on this machine can then
// read in the list of processes.
func (a *app) token(arg string) (string, error) {
	var text []byte
	var err error
	switch file, isFile := strings.CutPrefix(arg, "@"); {
	case isFile:
		if text, err = config.ReadPlain(file); err != nil {
			err = fmt.Errorf("token %s: %w", file, err)
		}
	case arg == "-":
		text, err = io.ReadAll(io.LimitReader(a.stdin, maxToken+1))
	default:
		text = []byte(arg)
	}
	token := strings.TrimSpace(string(text))
	if err == nil && (token == "" || len(token) > maxToken) {
		err = errors.New("token: empty, or too long for one")
	}
	if err != nil {
		return "", fail(err, a.text(mHintTokenFile))
	}
	return token, nil
}
