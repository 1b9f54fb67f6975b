package main

import (
	"os"

	"larder/internal/config"
)

// settings are the gateway's, for the commands that need them.
type settings struct {
	Config string `placeholder:"FILE" help:"YAML file of settings; LARDER_CONFIG names one too."`
}

func (s settings) load() (config.Config, error) {
	return config.Load(config.Source{File: s.Config, Environ: os.Environ()})
}
