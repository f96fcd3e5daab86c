package testserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// MarshalJSON returns the fault as the control API takes it.
func (f Fault) MarshalJSON() ([]byte, error) { return json.Marshal(f.spec) }

// UnmarshalJSON takes a fault as the control API does: a member that is unknown,
// or makes no sense for the kind, is a [*FieldError].
func (f *Fault) UnmarshalJSON(b []byte) error {
	var s spec
	if err := decodeStrict(b, &s); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	f.spec = s
	return nil
}

// decodeStrict decodes a JSON object into a struct. What encoding/json lets pass
// (members that are unknown or in another case) and what it says in terms of Go is
// a [*FieldError] here.
func decodeStrict(b []byte, v any) error {
	return decodeValue(b, reflect.ValueOf(v).Elem(), "")
}

func decodeValue(b []byte, v reflect.Value, path string) error {
	switch t := v.Type(); {
	case t.Kind() == reflect.Struct:
		return decodeStruct(b, v, path)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return decodeStructs(b, v, path)
	}
	if err := json.Unmarshal(b, v.Addr().Interface()); err != nil {
		return badField(path, "must be %s", wanted(v.Type()))
	}
	return nil
}

func decodeStruct(b []byte, v reflect.Value, path string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return notJSON(err, path, "an object")
	}
	names := jsonNames(v.Type())
	for _, key := range slices.Sorted(maps.Keys(members)) {
		at := strings.TrimPrefix(path+"."+key, ".")
		i := slices.Index(names, key)
		if i < 0 {
			return badField(at, "unknown member; known are %s", strings.Join(names, ", "))
		}
		if err := decodeValue(members[key], v.Field(i), at); err != nil {
			return err
		}
	}
	return nil
}

func decodeStructs(b []byte, v reflect.Value, path string) error {
	var items []json.RawMessage
	if err := json.Unmarshal(b, &items); err != nil {
		return notJSON(err, path, "an array")
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := decodeValue(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

func notJSON(err error, path, want string) error {
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return badField(path, "not JSON: %v", err)
	}
	return badField(path, "must be %s", want)
}

// wanted says in JSON's words what a Go type takes.
func wanted(t reflect.Type) string {
	if t == reflect.TypeFor[duration]() {
		return `a time such as "1.5s"`
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Map:
		return "an object of strings"
	}
	return "something else"
}
