// Package variable is how a field of the configuration and the environment variable that it is read
// from belong together: what the field's tags say of its values, its default and its meaning.
package variable

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"

	"carrier/config/values"
)

// FileSuffix is what the name of a secret's variable has behind it where a file holds the secret.
const FileSuffix = "_FILE"

// A Variable is one field with what its tags say.
type Variable struct {
	// Ref is the name by which the reference calls it.
	Ref string
	// Name is what it is read from.
	Name  string
	Tag   reflect.StructTag
	Field reflect.Value
}

// Of lists the fields of group, a struct, in their order, those of the structs in it included.
func Of(group reflect.Value) []Variable {
	var all []Variable
	for i := range group.NumField() {
		tag, field := group.Type().Field(i).Tag, group.Field(i)
		if name, ok := tag.Lookup("envconfig"); ok {
			all = append(all, Variable{Ref: name, Name: name, Tag: tag, Field: field})
		} else if field.Kind() == reflect.Struct {
			all = append(all, Of(field)...)
		}
	}
	return all
}

// Secret reports whether v holds one.
func (v Variable) Secret() bool {
	_, is := v.Field.Interface().(values.Secret)
	return is
}

// RouteOnly reports whether v has no process-wide form.
func (v Variable) RouteOnly() bool { return v.Tag.Get("only") == "route" }

// Set reports whether the environment gives v a value, other than by a file.
func (v Variable) Set() bool {
	value, there := os.LookupEnv(v.Name)
	return value != "" || there && v.Tag.Get("empty") != ""
}

// Given reports whether the environment has a value for v under name, or the path of its file.
func (v Variable) Given(name string) bool {
	return os.Getenv(name) != "" || v.Secret() && os.Getenv(name+FileSuffix) != ""
}

// Forms are the names under which v may be set where it is called name.
func (v Variable) Forms(name string) []string {
	if v.Secret() {
		return []string{name, name + FileSuffix}
	}
	return []string{name}
}

// Decode has envconfig set one field from the environment variable called name, or from
// def. One at a time: envconfig stops at the first fault, and all are wanted.
func Decode(field reflect.Value, name, def string) error {
	one := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "Field",
		Type: field.Type(),
		Tag:  reflect.StructTag(fmt.Sprintf("envconfig:%q default:%q", name, def)),
	}}))
	if err := envconfig.Process("", one.Interface()); err != nil {
		return err
	}
	field.Set(one.Elem().Field(0))
	return nil
}

// Names returns the variables of the environment that begin with prefix and are not empty, sorted.
func Names(prefix string) []string {
	var names []string
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, prefix) && value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
