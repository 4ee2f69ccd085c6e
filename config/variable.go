package config

import (
	"os"
	"reflect"
	"strings"

	"carrier/config/routenames"
)

// A variable is one field of a Config or of a Route with what its tags say.
type variable struct {
	ref   string // as the reference calls it: CARRIER_<REST>
	name  string // what it is read from; of a route with a name it may be CARRIER_ROUTE_<NAME>_<REST>
	tag   reflect.StructTag
	field reflect.Value
}

// variables lists c's own fields in their order, those of its routes left out.
func (c *Config) variables() []variable { return variablesOf(reflect.ValueOf(c).Elem()) }

// variables lists r's fields in their order, each with the name it is read from: the route's own,
// where that is set or the other cannot be, else the process's.
func (r *Route) variables() []variable {
	var all []variable
	for _, v := range variablesOf(reflect.ValueOf(r).Elem()) {
		if r.Name == "" && v.routeOnly() {
			continue
		}
		if own := r.own(v.ref); r.Name != "" && (v.routeOnly() || v.given(own) || !v.given(v.ref)) {
			v.name = own
		}
		all = append(all, v)
	}
	return all
}

// Variable is the name of the variable that r's value of ref came from, or would come from: the
// route's own or the process-wide one. ref is CARRIER_<REST>. It is for messages about the value.
func (r Route) Variable(ref string) string {
	for _, v := range r.variables() {
		if v.ref == ref {
			return v.name
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
func reference() []variable {
	all := new(Config).variables()
	for _, v := range variablesOf(reflect.ValueOf(new(Route)).Elem()) {
		if v.routeOnly() {
			v.name = routenames.Prefix + "<NAME>_" + strings.TrimPrefix(v.ref, prefix)
		}
		all = append(all, v)
	}
	return all
}

func variablesOf(group reflect.Value) []variable {
	var all []variable
	for i := range group.NumField() {
		tag, field := group.Type().Field(i).Tag, group.Field(i)
		if name, ok := tag.Lookup("envconfig"); ok {
			all = append(all, variable{ref: name, name: name, tag: tag, field: field})
		} else if field.Kind() == reflect.Struct {
			all = append(all, variablesOf(field)...)
		}
	}
	return all
}

func (v variable) secret() bool {
	_, is := v.field.Interface().(Secret)
	return is
}

// routeOnly reports whether v has no process-wide form.
func (v variable) routeOnly() bool { return v.tag.Get("only") == "route" }

// set reports whether the environment gives v a value, other than by a file.
func (v variable) set() bool {
	value, there := os.LookupEnv(v.name)
	return value != "" || there && v.tag.Get("empty") != ""
}

// given reports whether the environment has a value for v under name, or the path of its file.
func (v variable) given(name string) bool {
	return os.Getenv(name) != "" || v.secret() && os.Getenv(name+fileSuffix) != ""
}
