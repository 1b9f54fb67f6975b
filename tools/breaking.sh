#!/bin/sh
# breaking.sh OASDIFF... fails if openapi.yaml breaks clients of an earlier one:
# the last commit's while it is being edited, else that of the branch's
# beginning, or on the main branch that of the commit before. Breaks agreed on
# are listed in tools/accepted-breaks.txt, in oasdiff's words.
set -eu

if ! git diff --quiet HEAD -- openapi.yaml; then
	base=HEAD
else
	base=$(git merge-base HEAD origin/main 2>/dev/null || true)
	if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
		base=HEAD~1
	fi
fi
if ! git cat-file -e "$base:openapi.yaml" 2>/dev/null; then
	echo "breaking: no openapi.yaml at $base to compare with"
	exit 0
fi

earlier=$(mktemp)
trap 'rm -f "$earlier"' EXIT
git show "$base:openapi.yaml" >"$earlier"
"$@" breaking --fail-on=ERR --err-ignore=tools/accepted-breaks.txt "$earlier" openapi.yaml
