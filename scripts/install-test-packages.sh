#!/usr/bin/env bash
# Installs the Debian packages that the tests and perf/ need: as root with apt-get, otherwise it says what to install.
# Tests whose package is missing skip themselves and say so, so this never fails a run.
set -euo pipefail

# Program and the package it is in.
declare -A packages=([wrk]=wrk [redis-server]=redis-server [redis-benchmark]=redis-tools [strace]=strace [promtool]=prometheus
  [logrotate]=logrotate [jq]=jq [curl]=curl [openssl]=openssl [ip]=iproute2 [free]=procps [zstd]=zstd
  [aws]=awscli [radosgw]=radosgw [ceph-mon]=ceph-mon [ceph-osd]=ceph-osd)

missing=()
for program in "${!packages[@]}"; do
  command -v "$program" >/dev/null || missing+=("${packages[$program]}")
done
# Its server is in no PATH, and psql comes in other versions too.
[ -x /usr/lib/postgresql/15/bin/postgres ] || missing+=(postgresql-15)
[ ${#missing[@]} -eq 0 ] && exit 0

list=$(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')
list=${list% }
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Some tests and perf/ need packages that are missing here: $list" >&2
  echo "Install them (Debian: sudo apt-get install $list), or those tests are skipped." >&2
  exit 0
fi

echo "Installing for the tests: $list" >&2
# Nothing here is a service of this machine: redis-server, PostgreSQL, Prometheus and Ceph must not be started after their installation.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  # Unquoted: one word per package.
  # shellcheck disable=SC2086
  apt-get install --yes --no-install-recommends $list >>"$log" 2>&1
}
if ! install && ! { apt-get update >>"$log" 2>&1 && install; }; then
  tail -n 20 "$log" >&2
  echo "Could not install $list: the tests that need them are skipped." >&2
fi
