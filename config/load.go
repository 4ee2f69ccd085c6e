package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"

	"carrier/config/otel"
	"carrier/config/routenames"
	"carrier/config/values"

	"github.com/kelseyhightower/envconfig"
)

const (
	prefix     = "CARRIER_"
	fileSuffix = "_FILE"
)

// Load reads the process's environment. An empty variable counts as one that is not
// set, but for CARRIER_ADMIN_ADDRESS. receivers are the ones built into this binary.
//
// The strings are warnings for the log: each names its variable, and none holds a
// secret. The error, of type Faults, holds everything that is wrong at once; the
// warnings are good then too, the Config is not.
func Load(receivers []string) (Config, []string, error) {
	var c Config
	process := newCheck(&c, receivers)
	process.readAll()
	names := process.routeNames()
	c.Routes = make([]Route, len(names))
	routes := make([]*check, len(names))
	for i, name := range names {
		c.Routes[i].Name = name
		routes[i] = process.of(&c.Routes[i])
		routes[i].readAll()
	}
	findFallbacks(routes)
	for _, k := range routes {
		k.infer()
	}
	process.rules()
	process.fallbacks(routes)
	for _, k := range routes {
		k.routeRules()
		if !k.route.IsFallback() {
			k.route.complete(&c, k.set)
		}
	}
	for _, k := range routes {
		if k.route.IsFallback() {
			k.route.completeFallback(&c, k.set)
		}
	}
	c.complete()
	c.OTel = otel.Read()
	warnings := process.warnings(routes)
	process.report.sort(slices.Concat([]*check{process}, routes))
	if len(process.report.faults) > 0 {
		return c, warnings, process.report.faults
	}
	return c, warnings, nil
}

func (k *check) readAll() {
	for _, v := range k.vars {
		k.read(v)
	}
}

// read gives v its value, from the environment or its default.
func (k *check) read(v variable) {
	// envconfig tells empty from unset, and no environment can hold this name.
	name := "=" + v.ref
	if v.set() {
		name = v.name
	}
	if what := stray(v, os.Getenv(v.name)); what != "" {
		k.fault(v.ref, "must be "+v.allowed()+"; it "+what)
		return
	}
	if decode(v.field, name, v.tag.Get("default")) != nil {
		k.fault(v.ref, "must be "+v.allowed())
		return
	}
	if v.secret() {
		k.readFile(v)
	}
	if v.set() {
		k.inRange(v)
	}
}

// readFile gives the secret v its value from the file its _FILE form names, if any.
func (k *check) readFile(v variable) {
	ref := v.ref + fileSuffix
	path := os.Getenv(v.name + fileSuffix)
	if path == "" {
		return
	}
	if v.set() {
		k.fault(ref, "must not be set together with "+v.ref)
		return
	}
	secret, err := values.FromFile(path)
	if err != nil {
		k.fault(ref, fmt.Sprintf("must be a readable file that holds the secret: %v", err))
		return
	}
	if what := stray(v, secret.Reveal()); what != "" {
		k.fault(ref, "must hold "+v.allowed()+"; it "+what)
		return
	}
	v.field.Set(reflect.ValueOf(secret))
}

// decode has envconfig set one field from the environment variable called name, or from
// def. One at a time: envconfig stops at the first fault, and all are wanted.
func decode(field reflect.Value, name, def string) error {
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

// routeNames returns the names of the routes whose variables can be read: one that is empty where
// CARRIER_ROUTES is not set. Each name that is wrong is a fault of its own.
func (k *check) routeNames() []string {
	if !k.set(routenames.Variable) {
		return []string{""}
	}
	good, faults := routenames.Check(k.config.RouteNames)
	for _, want := range faults {
		k.report.add(Fault{Variable: routenames.Variable, Value: k.shown(routenames.Variable), Want: want})
	}
	k.namesFaulty = len(faults) > 0
	return good
}
