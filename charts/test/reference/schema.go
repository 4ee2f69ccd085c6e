package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"carrier/config"
)

type object = map[string]any

const (
	durations = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*$|^0$`
	sizes     = `^([0-9]+(B|KiB|MiB|GiB|KB|MB|GB)?)?$`
	integers  = `^[0-9]*$`
	numbers   = `^([0-9]+(\.[0-9]+)?)?$`
	paths     = `^(/.*)?$`
)

// Schema returns the schema with the properties config, secrets and routes made anew from carrier's
// variables, in its one form: keys in the order of the alphabet.
func Schema(schema []byte) ([]byte, error) {
	var whole object
	if err := json.Unmarshal(schema, &whole); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	properties, ok := whole["properties"].(object)
	if !ok {
		return nil, fmt.Errorf("the schema has no properties")
	}
	properties["config"], properties["secrets"] = sections(Variables())
	properties["routes"] = routes()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(whole)
	return out.Bytes(), err
}

// routes is a list: carrier keeps its order in the log.
func routes() object {
	values, secrets := sections(RouteVariables())
	name := object{"type": "string", "pattern": `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`, "maxLength": 32, "not": object{"const": config.DefaultRoute}}
	return object{"type": "array", "maxItems": 64, "items": object{
		"type": "object", "additionalProperties": false, "required": []string{"name"},
		"properties": object{"name": name, "config": values, "secrets": secrets},
	}}
}

func sections(variables []Variable) (values, secrets object) {
	plain, secret := object{}, object{}
	for _, v := range variables {
		if !v.Secret() {
			plain[v.Name] = v.schema()
			continue
		}
		secret[v.Name] = object{"$ref": "#/$defs/secret", "description": v.Tag.Get("desc")}
		plain[v.Name+"_FILE"] = object{
			"type": "string", "pattern": paths, "description": "The path of a file that holds " + v.Name + ", mounted by other means than secrets.",
		}
	}
	return object{"type": "object", "additionalProperties": false, "properties": plain},
		object{"type": "object", "additionalProperties": false, "properties": secret}
}

// schema is what v's value may be. Everywhere the empty string is allowed, and means that
// the variable is not set, as it does to carrier.
func (v Variable) schema() object {
	s := v.form()
	if particular, ok := inTheChart(v.Name); ok {
		s = particular
	}
	s["description"] = v.Tag.Get("desc")
	return s
}

// inTheChart is what a pod asks of a value beyond what carrier asks.
func inTheChart(name string) (object, bool) {
	switch name {
	case "CARRIER_ADMIN_ADDRESS": // probes and hooks come from outside the pod
		return object{"type": "string", "pattern": `^((0\.0\.0\.0|\[::\])?:[0-9]+)?$`}, true
	case "CARRIER_INGEST_DATA_DIR":
		return object{"type": "string", "pattern": paths}, true
	case "CARRIER_RECEIVER":
		return object{"enum": []string{"", config.SQS, config.PubSub, config.NATS, config.Ingest}}, true
	}
	return nil, false
}

// form is the schema of v's type.
func (v Variable) form() object {
	switch v.Type {
	case reflect.TypeFor[time.Duration]():
		return object{"type": "string", "pattern": durations}
	case reflect.TypeFor[config.Size]():
		return object{"type": []string{"integer", "string"}, "pattern": sizes, "minimum": 1}
	case reflect.TypeFor[config.Prefetch]():
		return object{"type": []string{"integer", "string"}, "pattern": `^(auto|[0-9]*)$`, "minimum": 0, "maximum": 10000}
	}
	switch v.Type.Kind() {
	case reflect.Bool:
		return object{"enum": []any{true, false, "true", "false", ""}}
	case reflect.Int:
		return v.bounded(object{"type": []string{"integer", "string"}, "pattern": integers})
	case reflect.Float64:
		return v.bounded(object{"type": []string{"number", "string"}, "pattern": numbers})
	}
	if words := v.Tag.Get("oneof"); words != "" {
		return object{"enum": append([]string{""}, strings.Fields(words)...)}
	}
	return object{"type": "string"}
}

// bounded puts v's bounds into s; they hold for a number that is not quoted.
func (v Variable) bounded(s object) object {
	if least, err := strconv.ParseFloat(v.Tag.Get("min"), 64); err == nil {
		if v.Tag.Get("zero") != "" {
			least = math.Min(least, 0)
		}
		s["minimum"] = least
	}
	if most, err := strconv.ParseFloat(v.Tag.Get("max"), 64); err == nil {
		s["maximum"] = most
	}
	return s
}
