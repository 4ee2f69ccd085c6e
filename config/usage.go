package config

import (
	"fmt"
	"io"

	"carrier/config/variable"
)

// Write prints the configuration as NAME=value lines, in the order of the reference
// table: what is in effect, defaults included. What is of a route has the names of that route's own
// variables. A secret is REDACTED when it is set, and
// so are the user, the password and the query of a URL. It returns w's error.
func (c Config) Write(w io.Writer) error {
	vars := c.variables()
	for i := range c.Routes {
		r := &c.Routes[i]
		for _, v := range r.variables() {
			v.Name = r.own(v.Ref)
			vars = append(vars, v)
		}
	}
	for _, v := range vars {
		if _, err := fmt.Fprintf(w, "%s=%s\n", v.Name, v.Effective()); err != nil {
			return err
		}
	}
	return nil
}

// Markdown prints the reference page. It returns w's error.
func Markdown(w io.Writer) error {
	return variable.Markdown(w, len(new(Config).variables()), reference())
}
