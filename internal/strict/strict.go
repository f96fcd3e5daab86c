package strict

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// An Error says which member is wrong.
type Error struct {
	Path   string // such as faults[2].afterBytes; "" is the whole
	Reason string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// A Wanter says in JSON's words what it takes.
type Wanter interface{ Wants() string }

// Decode decodes one JSON value into what v points to. The error is an [*Error].
func Decode(b []byte, v any) error {
	if !json.Valid(b) {
		return &Error{"", "not JSON: " + syntax(b)}
	}
	return decode(b, reflect.ValueOf(v).Elem(), "")
}

// syntax says where the JSON is broken.
func syntax(b []byte) string {
	var any json.RawMessage
	err := json.Unmarshal(b, &any)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("%v at byte %d", e, e.Offset)
	}
	return fmt.Sprint(err)
}

var (
	asText = reflect.TypeFor[encoding.TextUnmarshaler]()
	asJSON = reflect.TypeFor[json.Unmarshaler]()
)

// decode fills in one value. Types with a decoding of their own are left to it.
func decode(b []byte, v reflect.Value, path string) error {
	t := v.Type()
	own := reflect.PointerTo(t).Implements(asJSON) || reflect.PointerTo(t).Implements(asText)
	switch {
	case bytes.Equal(bytes.TrimSpace(b), []byte("null")) && t != reflect.TypeFor[json.RawMessage]():
		return nil
	case own:
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		return decode(b, v.Elem(), path)
	case t.Kind() == reflect.Struct:
		return decodeStruct(b, v, path)
	case t.Kind() == reflect.Map:
		return decodeMap(b, v, path)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return decodeSlice(b, v, path)
	}
	err := json.Unmarshal(b, v.Addr().Interface())
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{join(path, e.Path), e.Reason}
	}
	if err != nil {
		return &Error{path, "must be " + wanted(v)}
	}
	return nil
}

func decodeStruct(b []byte, v reflect.Value, path string) error {
	names := Names(v.Type())
	return members(b, path, func(key, at string, value json.RawMessage) error {
		i := slices.Index(names, key)
		if i < 0 {
			return &Error{at, "unknown member; known are " + strings.Join(names, ", ")}
		}
		return decode(value, v.Field(i), at)
	})
}

func decodeMap(b []byte, v reflect.Value, path string) error {
	v.Set(reflect.MakeMap(v.Type()))
	return members(b, path, func(key, at string, value json.RawMessage) error {
		item := reflect.New(v.Type().Elem()).Elem()
		if err := decode(value, item, at); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key), item)
		return nil
	})
}

func decodeSlice(b []byte, v reflect.Value, path string) error {
	var items []json.RawMessage
	if err := json.Unmarshal(b, &items); err != nil {
		return &Error{path, "must be an array"}
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := decode(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

// members calls each for every member of an object, in their order. A member that is
// there twice is an error, for nobody can say which one is meant.
func members(b []byte, path string, each func(key, at string, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return &Error{path, "must be an object"}
	}
	seen := make(map[string]bool)
	for dec.More() {
		t, err := dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return &Error{path, "must be an object"}
		}
		at := join(path, key)
		if seen[key] {
			return &Error{at, "is there twice"}
		}
		seen[key] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil && err != io.EOF {
			return &Error{at, "not JSON"}
		}
		if err := each(key, at, value); err != nil {
			return err
		}
	}
	return nil
}

func join(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}

// Names returns the names of a struct's fields in JSON, in their order.
func Names(t reflect.Type) (names []string) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, cmp.Or(name, field.Name))
	}
	return names
}

// wanted says in JSON's words what a Go value takes.
func wanted(v reflect.Value) string {
	if w, ok := v.Addr().Interface().(Wanter); ok {
		return w.Wants()
	}
	switch v.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a string in base64"
	}
	return "something else"
}
