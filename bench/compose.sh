#!/usr/bin/env bash
# Builds and starts the cluster of docker-compose.yml, sees a guest in through the balancer while a front and a silo are killed, and takes it down.
#   bench/compose.sh                                       with Docker
#   COMPOSE="podman-compose" ENGINE=podman bench/compose.sh    as it was run here
set -euo pipefail
cd "$(dirname "$0")/.."
compose=${COMPOSE:-docker compose} engine=${ENGINE:-docker} address=http://localhost:${PORT:-8080}
trap '$compose down' EXIT
$compose up --build -d

within() { # within SECONDS WHAT COMMAND...: the command succeeds in that time, or this says what did not happen
  local end=$((SECONDS + $1)) what=$2; shift 2
  until "$@"; do [ $SECONDS -lt $end ] || { echo "Did not happen in time: $what" >&2; exit 1; }; sleep 0.5; done
  echo "$what: yes"
}
ready() { curl -fs -o /dev/null "$address/healthz/ready"; }
guest() { curl -fs "$address/auth/guest" -H 'Content-Type: application/json' -d '{"username":"Ada"}' | grep -q '"token"'; }
container() { $engine ps --format '{{.Names}}' | grep -m1 "$1"; }

within 90 "the balancer finds a front that has the cluster" ready
within 10 "a guest gets a token" guest
within 10 "the page is there" curl -fs -o /dev/null "$address/"
$engine kill --signal KILL "$(container front1)" >/dev/null
within 10 "with front1 killed, the other serves" guest
$engine kill --signal KILL "$(container silo1)" >/dev/null
within 15 "with silo1 killed, fronts stay ready" ready
