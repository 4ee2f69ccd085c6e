package config

import (
	"carrier/config/observe"
	"carrier/config/variable"
)

// page checks that nobody is served who could not log in.
func (k *check) page(a observe.Admin) {
	const name = "CARRIER_ADMIN_PAGE"
	tokenFaulty := k.faulty("CARRIER_ADMIN_TOKEN") || k.faulty("CARRIER_ADMIN_TOKEN"+variable.FileSuffix)
	switch {
	case !a.Page || tokenFaulty:
	case a.Token.Reveal() == "":
		k.fault(name, "must not be true without CARRIER_ADMIN_TOKEN")
	case a.Address == "" && k.set("CARRIER_ADMIN_ADDRESS"):
		k.fault(name, "must not be true where CARRIER_ADMIN_ADDRESS is off")
	}
}
