package wmi

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

func read(objects, index []byte, mappings ...[]byte) ([]Instance, error) {
	return Read(context.Background(), Files{
		Objects: bytes.NewReader(objects), ObjectsSize: int64(len(objects)),
		Index: bytes.NewReader(index), IndexSize: int64(len(index)), Mappings: mappings,
	})
}

func TestRead(t *testing.T) {
	objects, index, mapping := repository()
	old := append(mappingTable(6, 3, 3, 3), mappingTable(6)...)
	all, err := read(objects, index, old, mapping, []byte("damaged"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range all {
		text := i.Text("Name") + i.Text("Payload") + i.Text("Filter")
		got = append(got, fmt.Sprintf("%s %s %v %v %s", i.Class, i.State, i.Consumer, i.Err == nil, text))
		if i.State == Live && i.Namespace != `ROOT\SUBSCRIPTION` {
			t.Errorf("%+v", i)
		}
		if i.Written[1] != time.Unix(1700000002, 0).UTC() {
			t.Errorf("%+v", i)
		}
	}
	want := []string{
		`__EventFilter live false true evil`,
		`__FilterToConsumerBinding live false true __EventFilter.Name="evil"`,
		`EvilEventConsumer live true true boom`,
		`__EventFilter unindexed false true deleted`,
		`ActiveScriptEventConsumer live true false `,
		`CommandLineEventConsumer live true true evil`,
		`__EventFilter stale page false true stale`,
		`__EventFilter carved false true carved`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if q := all[0].Text("Query"); q != "SELECT * FROM 保全" {
		t.Errorf("%q", q)
	}
	if sid, _ := all[0].Properties[0].Value.([]byte); !bytes.Equal(sid, system) {
		t.Errorf("%+v", all[0].Properties)
	}
	long := all[5]
	if c := long.Text("CommandLineTemplate"); len(c) != 21*600 || long.Properties[len(long.Properties)-1].Value != true {
		t.Errorf("%d bytes of a command over two pages; %+v", len(c), long.Properties[len(long.Properties)-1])
	}
	if s := all[4].Strings; len(s) != 2 || s[1] != "MsgBox 1" {
		t.Errorf("strings without a definition: %q", s)
	}
}

// Without its companions the file still gives what it has.
func TestObjectsAlone(t *testing.T) {
	objects, _, _ := repository()
	all, err := read(objects, nil)
	if err == nil || !strings.Contains(err.Error(), "no table of pages") {
		t.Errorf("%v", err)
	}
	if len(all) != 8 {
		t.Fatalf("%d of 8 instances", len(all))
	}
	for _, i := range all {
		if i.State != Unknown && i.State != Carved {
			t.Errorf("%+v", i)
		}
	}
	if i := all[5]; i.Err == nil || i.Class != "CommandLineEventConsumer" || len(i.Strings) == 0 {
		t.Errorf("one that goes on on another page: %+v", i)
	}
}

func TestDamaged(t *testing.T) {
	objects, index, mapping := repository()
	for n := 0; n < len(objects); n += 997 {
		read(objects[:n], index, mapping)
	}
	for at := range mapping {
		bent := bytes.Clone(mapping)
		bent[at] ^= 0xff
		read(objects, index, bent)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, Files{Objects: bytes.NewReader(objects), ObjectsSize: int64(len(objects)), Mappings: [][]byte{mapping}}); err == nil {
		t.Error("an end was not said")
	}
	if _, err := Read(context.Background(), Files{ObjectsSize: 1 << 40}); err == nil {
		t.Error("a file of 1 TiB was taken")
	}
}

// The documents give this one.
func TestHash(t *testing.T) {
	if got := Hash("__thisNAMESPACE"); got != "41C53E6DB1ACF2453CEFD41398198E613F10DFF47709ECAB1D7F037756AC8CE7" {
		t.Error(got)
	}
}

func FuzzRead(f *testing.F) {
	objects, index, mapping := repository()
	f.Add(objects, index, mapping)
	f.Add(objects[pageSize:2*pageSize], index[:100], []byte{})
	f.Fuzz(func(t *testing.T, objects, index, mapping []byte) { read(objects, index, mapping) })
}

func FuzzInstance(f *testing.F) {
	f.Add(instanceRecord("__EventFilter", filter, map[string]any{"Name": "x", "Query": "y"}), classRecord("__EventFilter", "", filter...))
	f.Fuzz(func(t *testing.T, record, definition []byte) {
		c, err := parseClass(definition, true)
		if err != nil {
			c = class{name: "__EventFilter"}
		}
		if instanceOf(record) != "" {
			parseInstance(record, c)
		}
	})
}
