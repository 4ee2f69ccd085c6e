package config

import (
	"reflect"
	"strings"

	"carrier/config/routenames"
	"carrier/config/variable"
)

// variables lists c's own fields in their order, those of its routes left out.
func (c *Config) variables() []variable.Variable { return variable.Of(reflect.ValueOf(c).Elem()) }

// variables lists r's fields in their order, each with the name it is read from: the route's own,
// where that is set or the other cannot be, else the process's.
func (r *Route) variables() []variable.Variable {
	var all []variable.Variable
	for _, v := range variable.Of(reflect.ValueOf(r).Elem()) {
		if r.Name == "" && v.RouteOnly() {
			continue
		}
		if own := r.own(v.Ref); r.Name != "" && (v.RouteOnly() || v.Given(own) || !v.Given(v.Ref)) {
			v.Name = own
		}
		all = append(all, v)
	}
	return all
}

// Variable is the name of the variable that r's value of ref came from, or would come from: the
// route's own or the process-wide one. ref is CARRIER_<REST>. It is for messages about the value.
func (r Route) Variable(ref string) string {
	for _, v := range r.variables() {
		if v.Ref == ref {
			return v.Name
		}
	}
	return ref
}

// own is the name of the variable ref for this route alone.
func (r *Route) own(ref string) string {
	if r.Name == "" {
		return ref
	}
	return routenames.VariablePrefix(r.Name) + strings.TrimPrefix(ref, prefix)
}

// reference lists every variable there is, as the reference page calls it.
func reference() []variable.Variable {
	all := new(Config).variables()
	for _, v := range variable.Of(reflect.ValueOf(new(Route)).Elem()) {
		if v.RouteOnly() {
			v.Name = routenames.Prefix + "<NAME>_" + strings.TrimPrefix(v.Ref, prefix)
		}
		all = append(all, v)
	}
	return all
}
