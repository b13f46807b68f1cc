package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"hozen/packager/custody"
	"hozen/packager/evidence"
)

// formOptions is the filled form that collect was given: it goes into the archive as it
// is, and its answers into the log.
type formOptions struct {
	name    string
	raw     []byte
	answers custody.Answers
}

// read takes a filled form; a wrong one is refused before anything is taken.
func (o *formOptions) read(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, custody.MaxForm+1))
	if err != nil {
		return err
	}
	answers, err := custody.ParseAnswers(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*o = formOptions{name, raw, answers}
	return nil
}

// putForm puts the form before anything is taken.
func (c *collection) putForm(ctx context.Context) error {
	if c.o.form.raw == nil {
		return nil
	}
	item := evidence.Item{Path: "form.yaml", Source: c.o.form.name, Collector: "form"}
	return c.writer.Put(ctx, item, func(w io.Writer) error {
		_, err := w.Write(c.o.form.raw)
		return err
	})
}

// tellForm signs the answers into the log, as the device heard them.
func (c *collection) tellForm() error {
	for _, e := range c.o.form.answers.Events(custody.Form(nil, nil), "") {
		if err := c.writer.Event(e); err != nil {
			return err
		}
	}
	return nil
}
