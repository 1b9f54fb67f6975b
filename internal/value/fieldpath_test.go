package value

import (
	"errors"
	"reflect"
	"testing"
)

func TestParseFieldPath(t *testing.T) {
	for text, want := range map[string]FieldPath{
		"":               {Pointer: Pointer{}},
		"/a/$key":        {Pointer: Pointer{"a", "$key"}},
		"$key":           {Field: FieldKey},
		"$version":       {Field: FieldVersion},
		"$created_at":    {Field: FieldCreatedAt},
		"$updated_at":    {Field: FieldUpdatedAt},
		"$expires_at":    {Field: FieldExpiresAt},
		"$metadata/a/~x": {Field: FieldMetadata, Name: "a/~x"},
	} {
		got, err := ParseFieldPath(text)
		if err != nil || !reflect.DeepEqual(got, want) || got.String() != text {
			t.Errorf("%q: %+v, %q, %v", text, got, got.String(), err)
		}
		if got.IsTime() != (got.Field >= FieldCreatedAt && got.Field <= FieldExpiresAt) {
			t.Errorf("%q: IsTime is %v", text, got.IsTime())
		}
	}
	for _, text := range []string{"a", "$", "$KEY", "$key/a", "$value", "$metadata", "$metadata/", "/~"} {
		if path, err := ParseFieldPath(text); !errors.As(err, new(*FieldPathError)) {
			t.Errorf("%q: %+v, %v", text, path, err)
		}
	}
}
