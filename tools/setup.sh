#!/bin/sh
# Installs what the tests need and the machine lacks, with apt-get where that
# can be done (Debian or Ubuntu, as root); elsewhere says what to install.
set -eu

missing=
need() { # need PACKAGE TEST...: PACKAGE is missing unless TEST succeeds
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

# As testenv looks for it: where Debian has it, else in PATH.
has_postgres() {
	for server in /usr/lib/postgresql/*/bin/initdb; do
		[ -x "$server" ] && return
	done
	command -v initdb
}

# Debian's packages start what they install. The tests start servers of their
# own, so none is to be left running, or made.
without_servers() {
	cluster=/etc/postgresql-common/createcluster.d/larder-setup.conf
	policy=/usr/sbin/policy-rc.d
	mkdir -p "${cluster%/*}"
	echo "create_main_cluster = false" >"$cluster"
	made=$cluster
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
		made="$made $policy"
	fi
	# shellcheck disable=SC2086,SC2064 # the files as they are now
	trap "rm -f $made" EXIT
	"$@"
	command -v systemctl >/dev/null || return 0
	for package in $missing; do
		case $package in
		pgbouncer | redis-server) systemctl --quiet disable "$package" ;;
		esac
	done
}

need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
need curl command -v curl
need gcc command -v gcc # the race detector needs cgo
need git command -v git
need iso-codes test -e /usr/share/iso-codes/json/iso_3166-1.json
need libc6-dev test -e /usr/include/stdlib.h
need nodejs command -v node
need npm command -v npm
need pgbouncer command -v pgbouncer
need postgresql has_postgres
need redis-server command -v redis-server

if [ -n "$missing" ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "setup: install${missing} (Debian: sudo apt-get install${missing}), then run this again" >&2
		exit 1
	fi
	echo "setup: installing${missing}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	# shellcheck disable=SC2086 # a list of packages
	without_servers apt-get -qq install --no-install-recommends -o Dpkg::Use-Pty=0 $missing >/dev/null
fi

oldest=20
node=$(node --version)
major=${node#v}
major=${major%%.*}
if [ "$major" -lt "$oldest" ]; then
	echo "setup: Node.js $node is too old for the page's tools: install $oldest or newer" >&2
	exit 1
fi
