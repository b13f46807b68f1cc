package registry

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"time"

	"hozen/collector/registry/hive"
)

// Limits of one key. What is behind them is left out, with an error that wraps ErrLimit.
const (
	maxData   = 16 << 20 // bytes of data of one value
	maxValues = 1 << 17  // of one key
	maxKeys   = 1 << 18  // below one key
	maxDepth  = 512      // of keys (Microsoft, "Registry element size limits")
	maxTotal  = 64 << 20 // bytes of data of the values of one key
)

// node is a key as one of the sources has it. Its methods may be called concurrently.
type node interface {
	// read gives what is asked for; what was read before an error is given with it.
	read(want want) (contents, error)
	// open opens the key at a place in contents.names without following a link, or, at
	// place -1, the one of that name.
	open(name string, place int) (node, error)
	close() error
}

// want says what is to be read.
type want uint8

const (
	wantInfo want = 1 << iota
	wantNames
	wantValues
)

// contents is what was read of a key.
type contents struct {
	info   Info
	names  []string
	values []Value
}

// Info is what a key says of itself.
type Info struct {
	Written time.Time // when it, its values or the list of its keys were last changed
	Class   string    // WTF-8; empty for nearly all
	// Link is where it leads, if it is a symbolic link: a name in the kernel's namespace,
	// \REGISTRY\MACHINE\….
	Link string
	// Keys and Values count what is directly below it, as the registry says it.
	Keys, Values int
}

// Key is an open key. It may be used concurrently.
type Key struct {
	reg  *Registry
	path string
	node node
}

// Path is its whole name, which begins with HKEY_LOCAL_MACHINE or HKEY_USERS. A name in
// it may have any character but the backslash that divides names.
func (k *Key) Path() string { return k.path }

// Name is the last part of Path.
func (k *Key) Name() string { return k.path[strings.LastIndexByte(k.path, '\\')+1:] }

// Close ends the use of the key.
func (k *Key) Close() error { return k.node.close() }

func (k *Key) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", k.path, err)
}

// Info tells of the key itself.
func (k *Key) Info() (Info, error) {
	c, err := k.node.read(wantInfo)
	return c.info, k.wrap(err)
}

// Subkeys gives the names of the keys directly below, in the registry's order; what was
// read before an error is given with it.
func (k *Key) Subkeys() ([]string, error) {
	c, err := k.node.read(wantNames)
	return c.names, k.wrap(err)
}

// Values gives the values in the registry's order; what was read before an error is
// given with it. A value may have an error of its own.
func (k *Key) Values() ([]Value, error) {
	c, err := k.node.read(wantValues)
	return c.values, k.wrap(err)
}

// Value gives the value of a name, whose case is not looked at; "" is the default value.
// The error is fs.ErrNotExist where there is none; an error of the value itself is in
// Value.Err.
func (k *Key) Value(name string) (Value, error) {
	values, err := k.Values()
	folded := hive.Fold(name)
	for _, v := range values {
		if hive.Fold(v.Name) == folded {
			return v, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("%s: value %q: %w", k.path, name, fs.ErrNotExist)
	}
	return Value{}, err
}

// Key opens a key below this one, by names divided by backslashes. Links are followed.
func (k *Key) Key(path string) (*Key, error) { return k.reg.Key(k.path + `\` + path) }

// Each opens the keys directly below, one after another, in the registry's order; each
// is closed when the next is asked for. One that cannot be opened is given as an error
// that names it. Links are not followed: such a key is itself, with Info.Link.
func (k *Key) Each() iter.Seq2[*Key, error] {
	return func(yield func(*Key, error) bool) {
		c, err := k.node.read(wantNames)
		for i, name := range c.names {
			path := k.path + `\` + name
			below, err := k.node.open(name, i)
			if err != nil {
				if !yield(nil, fmt.Errorf("%s: %w", path, err)) {
					return
				}
				continue
			}
			more := yield(&Key{reg: k.reg, path: path, node: below}, nil)
			below.close()
			if !more {
				return
			}
		}
		if err != nil {
			yield(nil, k.wrap(err))
		}
	}
}

// Walk visits the key and all below it, at most depth levels (0: the key alone; -1: all),
// a key before those below it. Keys that cannot be read are given to visit as an error,
// with a nil Key. It ends when visit gives an error, or ctx ends, with that error.
func (k *Key) Walk(ctx context.Context, depth int, visit func(*Key, error) error) error {
	if depth < 0 || depth > maxDepth {
		depth = maxDepth
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := visit(k, nil); err != nil || depth == 0 {
		return err
	}
	for below, err := range k.Each() {
		if err == nil {
			err = below.Walk(ctx, depth-1, visit)
		} else {
			err = visit(nil, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
