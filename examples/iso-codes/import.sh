#!/usr/bin/env bash
# Imports Debian's iso-codes into the larder at LARDER_URL (http://127.0.0.1:8080).
set -euo pipefail
cd "$(dirname "$0")/../.."

json=/usr/share/iso-codes/json
if [ ! -e "$json/iso_3166-1.json" ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "import.sh: install iso-codes (Debian: sudo apt-get install iso-codes), then run this again" >&2
		exit 1
	fi
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends iso-codes >/dev/null
fi

go run ./examples/iso-codes "$json" | go run ./cmd/larder import -
