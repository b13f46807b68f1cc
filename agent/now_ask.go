package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A talk asks a person at a terminal, one line for each question.
type talk struct {
	a   *app
	in  *lineReader
	out io.Writer
}

func (t *talk) say(m message, args ...any) { fmt.Fprintln(t.out, t.a.text(m, args...)) }

var (
	// errNoAnswer is the end of a talk: Ctrl-C, Ctrl-D, or no.
	errNoAnswer = errors.New("no answer")
	errTooLong  = errors.New("an answer is too long")
)

// longestAnswer bounds an answer, in bytes; wrongAnswers is how many wrong ones to one
// question are borne.
const (
	longestAnswer = 1000
	wrongAnswers  = 10
)

// ask asks until an answer passes check, which gives what is meant; without check any
// does, and what cannot be shown on a terminal is escaped. Enter alone means usual.
func (t *talk) ask(ctx context.Context, question, usual string, check func(string) (string, error)) (string, error) {
	for range wrongAnswers {
		fmt.Fprint(t.out, question)
		if usual != "" {
			fmt.Fprintf(t.out, " [%s]", usual)
		}
		fmt.Fprint(t.out, ": ")
		answer, err := t.in.line(ctx)
		if err != nil && !errors.Is(err, errTooLong) {
			return "", err
		}
		if answer = strings.TrimSpace(answer); answer == "" {
			answer = usual
		}
		switch {
		case err != nil:
		case check == nil:
			return plain(answer), nil
		default:
			if answer, err = check(answer); err == nil {
				return answer, nil
			}
		}
		if errors.Is(err, errTooLong) {
			err = errors.New(t.a.text(mNowTooLong, longestAnswer))
		}
		fmt.Fprintln(t.out, "  "+t.a.why(err))
	}
	return "", errNoAnswer
}

// A lineReader reads a line when it is asked to, and can be left while it waits.
type lineReader struct {
	r       *bufio.Reader
	waiting chan answer // of a read that was left
}

type answer struct {
	text string
	err  error
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 2*longestAnswer)}
}

// line gives the next line without its end. errNoAnswer says that ctx or the input
// ended; whoever asks after ctx ended gets the line that was waited for.
func (l *lineReader) line(ctx context.Context) (string, error) {
	if l.waiting == nil {
		got := make(chan answer, 1)
		l.waiting = got
		go func() {
			text, err := l.read()
			got <- answer{text, err}
		}()
	}
	select {
	case a := <-l.waiting:
		l.waiting = nil
		return a.text, a.err
	case <-ctx.Done():
		return "", errNoAnswer
	}
}

func (l *lineReader) read() (string, error) {
	line, err := l.r.ReadSlice('\n')
	text := string(line)
	for errors.Is(err, bufio.ErrBufferFull) { // to the end of it, which is kept nowhere
		if _, err = l.r.ReadSlice('\n'); err == nil {
			return "", errTooLong
		}
	}
	switch text = strings.TrimRight(text, "\r\n"); {
	case err != nil && text == "":
		return "", errNoAnswer
	case len(text) > longestAnswer:
		return "", errTooLong
	case !utf8.ValidString(text):
		return strings.ToValidUTF8(text, "\uFFFD"), nil
	}
	return text, nil
}
