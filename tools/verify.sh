#!/bin/sh
# verify.sh COMMAND... runs the generator COMMAND and fails, with the difference,
# if api/ or web/dist/ was not what it makes. They are then up to date.
set -eu

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
cp -R api web/dist "$before"

"$@"

diff -ru "$before/api" api && diff -rq "$before/dist" web/dist || {
	echo "verify: the generated files were out of date and have been renewed: commit them" >&2
	exit 1
}
