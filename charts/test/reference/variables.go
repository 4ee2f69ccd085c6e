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

// Variables are those that stand in the values' config and secrets, in the order of carrier's
// reference. CARRIER_ROUTES does not: the chart makes it of the values' routes.
func Variables() []Variable {
	var all []Variable
	for _, v := range append(variablesOf(reflect.TypeFor[config.Config]()), RouteVariables()...) {
		if v.Name != "CARRIER_ROUTES" && v.Tag.Get("only") == "" {
			all = append(all, v)
		}
	}
	return all
}

// RouteVariables are those that a route can have of its own, by their process-wide names.
func RouteVariables() []Variable { return variablesOf(reflect.TypeFor[config.Route]()) }

func variablesOf(group reflect.Type) []Variable {
	var all []Variable
	for i := range group.NumField() {
		field := group.Field(i)
		if name, ok := field.Tag.Lookup("envconfig"); ok {
			all = append(all, Variable{Name: name, Type: field.Type, Tag: field.Tag})
		} else if field.Type.Kind() == reflect.Struct {
			all = append(all, variablesOf(field.Type)...)
		}
	}
	return all
}

// Secret reports whether the variable's value may stand in no values.
func (v Variable) Secret() bool { return v.Type == reflect.TypeFor[config.Secret]() }
