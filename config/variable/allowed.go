package variable

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"carrier/config/values"
)

// Allowed says in words which values v may have, as its tags and its type have it.
func (v Variable) Allowed() string {
	if words := v.Tag.Get("allowed"); words != "" {
		return words
	}
	if words := v.Tag.Get("oneof"); words != "" {
		return values.AnyOf(strings.Fields(words))
	}
	if schemes := v.Tag.Get("url"); schemes != "" {
		words := values.AnyOf(values.Suffixed(strings.Fields(schemes), "://"))
		if _, several := v.Field.Interface().(values.List); several {
			return "URLs with " + words + ", comma-separated"
		}
		return "a URL with " + words
	}
	switch v.Field.Interface().(type) {
	case bool:
		return "true or false"
	case int:
		return "a whole number" + v.bounds()
	case float64:
		return "a number" + v.bounds()
	case time.Duration:
		return "a duration such as 1m30s" + v.bounds()
	case values.Size:
		return "a size such as 512KiB (B, KiB, MiB, GiB, KB, MB, GB or plain bytes)" + v.bounds()
	}
	return "any text"
}

func (v Variable) bounds() string {
	least, most, zero := v.Tag.Get("min"), v.Tag.Get("max"), v.Tag.Get("zero")
	words := ""
	switch {
	case least != "" && most != "":
		words = ", " + least + " to " + most
	case least != "":
		words = ", " + least + " or more"
	}
	if zero != "" {
		words += fmt.Sprintf("; or 0: %s", zero)
	}
	return words
}

// Between reports whether the number v is one its tags allow. NaN is none.
func (v Variable) Between() bool {
	if v.Tag.Get("zero") != "" && v.Field.IsZero() {
		return true
	}
	value := number(v.Field)
	if least, ok := v.Bound("min"); ok && !(value >= least) {
		return false
	}
	most, ok := v.Bound("max")
	return !ok || value <= most
}

// Bound reads the tag called key as v's own values are read.
func (v Variable) Bound(key string) (float64, bool) {
	words := v.Tag.Get(key)
	if words == "" {
		return 0, false
	}
	value := reflect.New(v.Field.Type()).Elem()
	err := Decode(value, "=", words)
	return number(value), err == nil
}

// worded reports whether value is one of the words v allows, in any case, and stores it
// in the case they are written in.
func (v Variable) worded(value string) bool {
	words := v.Tag.Get("oneof")
	if words == "" {
		return true
	}
	value = strings.ToLower(value)
	v.Field.SetString(value)
	return slices.Contains(strings.Fields(words), value)
}

func number(v reflect.Value) float64 {
	if v.CanFloat() {
		return v.Float()
	}
	return float64(v.Int())
}

// InRange reports whether what v was set to is within the bounds, words and schemes of its tags.
func (v Variable) InRange() bool {
	switch value := v.Field.Interface().(type) {
	case int, float64, time.Duration, values.Size:
		return v.Between()
	case string:
		return v.worded(value) && values.HasScheme(value, v.Tag.Get("url"))
	case values.List:
		return !slices.ContainsFunc(value, func(item string) bool { return !values.HasScheme(item, v.Tag.Get("url")) })
	}
	return true
}
