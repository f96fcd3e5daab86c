// Package config reads the configuration: a TOML file whose keys are the long names
// of flags, for all runs at the top and for those of a profile in a table.
//
//	color = "never"
//
//	[prod]
//	server = "https://aegis.example.com"
//	token-cmd = "pass show aegis"
//	header = ["X-Team: blue"]
package config
