#!/usr/bin/env bash
# Every workload against one embedded server: a table in Markdown. About three minutes.
#   bench/embedded.sh [PORT] [SECONDS]
set -euo pipefail
source "$(dirname "$0")/servers.sh"
port=${1:-18280} seconds=${2:-10}
build WebFront bench/Load

report() { # report NAME ARGUMENTS...: a server of its own, a row of the table
  local name=$1; shift
  start_ours "$port"
  load "$@" --seconds "$seconds" --url "ws://127.0.0.1:$port" --pid "$launched" --json >"$work/report.json" 2>"$work/table" || { cat "$work/table" >&2; exit 1; }
  end_servers
  f() { field "$@" <"$work/report.json"; }
  local connects cpu own
  connects=$(f connectsPerSecond | awk '{ printf "%.0f", $1 }') cpu=$(f cpuShare | awk '{ printf "%.0f %%", 100 * $1 }') own=$(f generatorCpuShare | awk '{ printf "%.0f %%", 100 * $1 }')
  if [ "$1" = idle ]; then # a few connections' memory would be the warm-up's of the process
    printf '| %s | – | – | – | – | – | %s | %s | %s | %.1f |\n' "$name" "$connects" "$cpu" "$own" "$(f kibPerConnection)"
  else
    printf '| %s | %.0f | %.0f | %.2f / %.2f / %.2f | %.2f / %.2f | %.2f | %s | %s | %s | – |\n' "$name" "$(f publishedPerSecond)" "$(f deliveredPerSecond)" \
      "$(f p50)" "$(f p99)" "$(f p999)" "$(f p50 2)" "$(f p99 2)" "$(f cpuMicrosPerDelivery)" "$connects" "$cpu" "$own"
  fi
}

echo '| workload | messages/s | deliveries/s | p50 / p99 / p99.9 ms | ack p50 / p99 ms | CPU-µs per delivery | connects/s | server CPU | generator CPU | KiB per connection |'
echo '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |'
report '500 messages/s into 100 members' fanout --rate 500 --publishers 10 --warmup 8
report '100 members, 4 publishers, 1 in flight' fanout --window 1
report '100 members, 4 publishers, 16 in flight' fanout --window 16
report '1,000 members, 4 publishers, 4 in flight' fanout --members 1000 --window 4
report '200 rooms × 5, 1 publisher each, 1 in flight' fanout --rooms 200 --members 5 --publishers 1
report 'lockstep 32' lockstep
report 'idle, 5,000 connections in 100 rooms' idle --connections 5000 --rooms 100
