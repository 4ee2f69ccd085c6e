package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"

	"carrier/config/otel"
	"carrier/config/routenames"
	"carrier/config/values"
	"carrier/config/variable"
)

const prefix = "CARRIER_"

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
func (k *check) read(v variable.Variable) {
	// envconfig tells empty from unset, and no environment can hold this name.
	name := "=" + v.Ref
	if v.Set() {
		name = v.Name
	}
	if what := v.Stray(os.Getenv(v.Name)); what != "" {
		k.fault(v.Ref, "must be "+v.Allowed()+"; it "+what)
		return
	}
	if variable.Decode(v.Field, name, v.Tag.Get("default")) != nil {
		k.fault(v.Ref, "must be "+v.Allowed())
		return
	}
	if v.Secret() {
		k.readFile(v)
	}
	if v.Set() {
		if !v.InRange() {
			k.fault(v.Name, "must be "+v.Allowed())
		}
	}
}

// readFile gives the secret v its value from the file its _FILE form names, if any.
func (k *check) readFile(v variable.Variable) {
	ref := v.Ref + variable.FileSuffix
	path := os.Getenv(v.Name + variable.FileSuffix)
	if path == "" {
		return
	}
	if v.Set() {
		k.fault(ref, "must not be set together with "+v.Ref)
		return
	}
	secret, err := values.FromFile(path)
	if err != nil {
		k.fault(ref, fmt.Sprintf("must be a readable file that holds the secret: %v", err))
		return
	}
	if what := v.Stray(secret.Reveal()); what != "" {
		k.fault(ref, "must hold "+v.Allowed()+"; it "+what)
		return
	}
	v.Field.Set(reflect.ValueOf(secret))
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
