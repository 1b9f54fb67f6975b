// Package value knows JSON values as larder keeps them: as text in one canonical
// form, never decoded. What it offers works on that text: a strict check, a total
// order, pointers, patches, sums, filters.
//
//	v, err := value.Parse([]byte(`{ "b": 1.0, "a": "\u0041" }`), value.Limits{})
//	// v.Data is {"a":"A","b":1}
//
//	age, _ := value.ParsePointer("/address/city")
//	city, ok := age.Lookup(v.Data) // a piece of v.Data, nothing copied
//
// # Canonical form
//
// Equal values have equal bytes, whoever serves them. The form is compact; the
// names of an object are in the order of their UTF-8 bytes; a string escapes only
// what it must (\" \\ \b \f \n \r \t, and \u00xx in lower case for the other
// controls); a number is written as ECMAScript would, but from its exact decimal
// value, never by way of float64. So the form survives an engine that reorders
// names, adds spaces or expands exponents: parse what it gives back, and the bytes
// are those that were stored.
//
// # Canonical text as an argument
//
// Functions that take raw, a, b, target, patch or val take canonical text: what
// Parse made, or a piece of that. They trust it, and on other bytes their answer
// means nothing. A nil slice stands for a missing value where that makes sense.
package value
