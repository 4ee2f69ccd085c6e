package config

import "testing"

func TestAuditAndPageNeedWhatTheyStandOn(t *testing.T) {
	for name, c := range map[string]struct {
		vars  map[string]string
		fault string // the variable; empty where there is none
	}{
		"files without a directory":        {map[string]string{"CARRIER_AUDIT": "file"}, "CARRIER_AUDIT_DIR"},
		"files with one":                   {map[string]string{"CARRIER_AUDIT": "file", "CARRIER_AUDIT_DIR": "/audit"}, ""},
		"stdout needs none":                {map[string]string{"CARRIER_AUDIT": "stdout"}, ""},
		"a page without a token":           {map[string]string{"CARRIER_ADMIN_PAGE": "true"}, "CARRIER_ADMIN_PAGE"},
		"a page with one":                  {map[string]string{"CARRIER_ADMIN_PAGE": "true", "CARRIER_ADMIN_TOKEN": "secret"}, ""},
		"a page whose token is faulty":     {map[string]string{"CARRIER_ADMIN_PAGE": "true", "CARRIER_ADMIN_TOKEN": "a b"}, "CARRIER_ADMIN_TOKEN"},
		"a page whose token has no file":   {map[string]string{"CARRIER_ADMIN_PAGE": "true", "CARRIER_ADMIN_TOKEN_FILE": "/nowhere"}, "CARRIER_ADMIN_TOKEN_FILE"},
		"a page on a port that is off":     {map[string]string{"CARRIER_ADMIN_PAGE": "true", "CARRIER_ADMIN_TOKEN": "secret", "CARRIER_ADMIN_ADDRESS": ""}, "CARRIER_ADMIN_PAGE"},
		"a page that is not asked for":     {map[string]string{"CARRIER_ADMIN_PAGE": "false"}, ""},
		"a directory that is not used yet": {map[string]string{"CARRIER_AUDIT_DIR": "/audit"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, faults := load(t, c.vars)
			switch {
			case c.fault == "" && len(faults) > 0, c.fault != "" && (len(faults) != 1 || faults[0].Variable != c.fault):
				t.Errorf("faults %v, want one of %q", faults, c.fault)
			}
		})
	}
}
