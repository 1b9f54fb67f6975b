package value_test

import (
	"fmt"

	"larder/internal/value"
)

func ExampleParse() {
	v, err := value.Parse([]byte(`{ "b": 1.0, "a": "\u0041", "n": 9007199254740993 }`), value.Limits{})
	fmt.Println(string(v.Data), err)

	_, err = value.Parse([]byte(`{"a": [1, 2, 2e400]}`), value.Limits{})
	fmt.Println(err)
	// Output:
	// {"a":"A","b":1,"n":9007199254740993} <nil>
	// JSON: at byte 13, in /a/2: a number must lie within the range of a 64-bit float: at most 1.7976931348623157e+308
}

func ExamplePointer_Lookup() {
	city, err := value.ParsePointer("/address/city")
	if err != nil {
		panic(err)
	}
	v := value.MustParse(`{"address": {"city": "Wien"}}`)
	raw, ok := city.Lookup(v.Data)
	fmt.Println(string(raw), ok)
	// Output: "Wien" true
}

func ExampleMergePatch() {
	target := value.MustParse(`{"a": 1, "b": 2}`)
	patch := value.MustParse(`{"b": null, "c": 3}`)
	v, err := value.MergePatch(target.Data, patch.Data, value.Limits{})
	fmt.Println(string(v.Data), err)
	// Output: {"a":1,"c":3} <nil>
}

func ExampleParseShort() {
	f, err := value.ParseShort("/age:gte:18")
	fmt.Println(f.Path, f.Op, string(f.Value), err)
	// Output: /age gte 18 <nil>
}
