package sortedindex

import (
	"encoding/json"

	"larder/internal/store"
	"larder/internal/value"
)

// definition is the stored form of an index's definition.
type definition struct {
	Table  string            `json:"table"`
	Name   string            `json:"name"`
	Unique bool              `json:"unique,omitempty"`
	Fields []definitionField `json:"fields"`
}

type definitionField struct {
	Path string          `json:"path"`
	Type store.FieldType `json:"type"`
}

// Encode gives the form that a store keeps the definition in.
func (x *Index) Encode() ([]byte, error) {
	d := definition{Table: x.Table, Name: x.Def.Name, Unique: x.Def.Unique}
	for _, f := range x.Def.Fields {
		d.Fields = append(d.Fields, definitionField{f.Path.String(), f.Type})
	}
	return json.Marshal(d)
}

// Decode reads what Encode gave. An error means that the store is damaged.
func Decode(b []byte) (Index, error) {
	var d definition
	if err := json.Unmarshal(b, &d); err != nil {
		return Index{}, err
	}
	x := Index{Table: d.Table, Def: store.Index{Name: d.Name, Unique: d.Unique}}
	for _, f := range d.Fields {
		path, err := value.ParsePointer(f.Path)
		if err != nil {
			return Index{}, err
		}
		x.Def.Fields = append(x.Def.Fields, store.IndexField{Path: path, Type: f.Type})
	}
	return x, nil
}
