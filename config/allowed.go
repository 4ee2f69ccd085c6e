package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"carrier/config/values"
)

// allowed says in words which values v may have, as its tags and its type have it.
func (v variable) allowed() string {
	if words := v.tag.Get("allowed"); words != "" {
		return words
	}
	if words := v.tag.Get("oneof"); words != "" {
		return values.AnyOf(strings.Fields(words))
	}
	if schemes := v.tag.Get("url"); schemes != "" {
		words := values.AnyOf(values.Suffixed(strings.Fields(schemes), "://"))
		if _, several := v.field.Interface().(List); several {
			return "URLs with " + words + ", comma-separated"
		}
		return "a URL with " + words
	}
	switch v.field.Interface().(type) {
	case bool:
		return "true or false"
	case int:
		return "a whole number" + v.bounds()
	case float64:
		return "a number" + v.bounds()
	case time.Duration:
		return "a duration such as 1m30s" + v.bounds()
	case Size:
		return "a size such as 512KiB (B, KiB, MiB, GiB, KB, MB, GB or plain bytes)" + v.bounds()
	}
	return "any text"
}

func (v variable) bounds() string {
	least, most, zero := v.tag.Get("min"), v.tag.Get("max"), v.tag.Get("zero")
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

// inRange checks what v was set to against the bounds, words and schemes of its tags.
func (k *check) inRange(v variable) {
	good := true
	switch value := v.field.Interface().(type) {
	case int, float64, time.Duration, Size:
		good = v.between()
	case string:
		good = v.worded(value) && values.HasScheme(value, v.tag.Get("url"))
	case List:
		good = !slices.ContainsFunc(value, func(item string) bool { return !values.HasScheme(item, v.tag.Get("url")) })
	}
	if !good {
		k.fault(v.name, "must be "+v.allowed())
	}
}

// between reports whether the number v is one its tags allow. NaN is none.
func (v variable) between() bool {
	if v.tag.Get("zero") != "" && v.field.IsZero() {
		return true
	}
	value := number(v.field)
	if least, ok := v.bound("min"); ok && !(value >= least) {
		return false
	}
	most, ok := v.bound("max")
	return !ok || value <= most
}

// bound reads the tag called key as v's own values are read.
func (v variable) bound(key string) (float64, bool) {
	words := v.tag.Get(key)
	if words == "" {
		return 0, false
	}
	value := reflect.New(v.field.Type()).Elem()
	err := decode(value, "=", words)
	return number(value), err == nil
}

func number(v reflect.Value) float64 {
	if v.CanFloat() {
		return v.Float()
	}
	return float64(v.Int())
}

// worded reports whether value is one of the words v allows, in any case, and stores it
// in the case they are written in.
func (v variable) worded(value string) bool {
	words := v.tag.Get("oneof")
	if words == "" {
		return true
	}
	value = strings.ToLower(value)
	v.field.SetString(value)
	return slices.Contains(strings.Fields(words), value)
}
