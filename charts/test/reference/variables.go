// Package reference writes what follows from the chart's values and from carrier's
// configuration: the table in the chart's README, and the part of the values' schema that
// says which variables there are.
package reference

import (
	"reflect"

	"carrier/config"
)

// A Variable is one of carrier's variables, as the tags of package config describe it.
type Variable struct {
	Name string
	Type reflect.Type
	Tag  reflect.StructTag
}

// Variables are all of carrier's, in the order of its reference, but those that one route alone can have.
func Variables() []Variable { return variablesOf(reflect.TypeFor[config.Config]()) }

func variablesOf(group reflect.Type) []Variable {
	var all []Variable
	for i := range group.NumField() {
		field := group.Field(i)
		name, ok := field.Tag.Lookup("envconfig")
		switch {
		case ok && field.Tag.Get("only") == "":
			all = append(all, Variable{Name: name, Type: field.Type, Tag: field.Tag})
		case ok:
		case field.Type.Kind() == reflect.Struct:
			all = append(all, variablesOf(field.Type)...)
		case field.Type == reflect.TypeFor[[]config.Route]():
			all = append(all, variablesOf(field.Type.Elem())...)
		}
	}
	return all
}

// Secret reports whether the variable's value may stand in no values.
func (v Variable) Secret() bool { return v.Type == reflect.TypeFor[config.Secret]() }
