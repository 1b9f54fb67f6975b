#!/bin/sh
# fuzz.sh fuzzes every target in the tree for FUZZTIME each, one after the other.
# What go test finds to fail it leaves in the package's testdata/fuzz: commit it
# with the fix.
set -eu

found=
for file in $(git ls-files --cached --others --exclude-standard '*_test.go'); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		found=yes
		echo "== ${file%/*} $target"
		go test -run='^$' -fuzz="^$target\$" -fuzztime="$FUZZTIME" "./${file%/*}"
	done
done
[ -n "$found" ] || {
	echo "fuzz: there is no fuzz target" >&2
	exit 1
}
