// Package config knows every setting of larder: its name, its default, what is
// allowed, and where its value came from.
//
//	cfg, err := config.Load(config.Source{File: flag, Environ: os.Environ()})
//	if wrong, ok := errors.AsType[*config.Error](err); ok {
//		for _, line := range wrong.Lines() { … } // each names a setting and what would be right
//	}
//
// A later source wins over an earlier one:
//
//  1. the defaults, which [Default] gives;
//  2. an optional YAML file, flat, with the settings' names in lower case and
//     without LARDER_: max_value_bytes: 2MiB;
//  3. the environment: LARDER_MAX_VALUE_BYTES=2MiB. A variable that is empty
//     counts as not set.
//
// Where none of them names a primary and POSTGRES_HOST is set, that and
// POSTGRES_PORT, POSTGRES_DB, POSTGRES_USER and POSTGRES_PASSWORD are its
// address; else, where REDIS_HOST is set, that and REDIS_PORT, REDIS_USERNAME,
// REDIS_PASSWORD and REDIS_DB. Each may be in a file of its own, as in
// POSTGRES_PASSWORD_FILE.
//
// A setting that can hold a password may be kept in a file of its own, which
// LARDER_PRIMARY_FILE, or primary_file in YAML, names. Unknown names are
// errors, so that a typing error never means a default.
package config
