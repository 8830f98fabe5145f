#!/usr/bin/env bash
# Did a change make it slower? Under two minutes: our server and a plain Kestrel echo-broadcast server (bench/Baseline), same machine, same run,
# three runs in turn; the ratio of their deliveries per second is held against the recorded one in bench/quick.json.
#   bench/quick.sh                    exit code 1: a ratio fell by 20 % or more
#   bench/quick.sh --record           writes the ratios down as the new measure
#   bench/quick.sh --against COMMIT   our server as it was then in place of the other one: the ratios should be 1; a minute more
# A ratio holds on any machine as far as both servers wait for the same things. A disk is not one of them: the data file lies in memory here. Caches that
# others use, too, are: on a busy host ours loses more than the small one, up to 30 %. Then only --against tells a change from the host.
set -euo pipefail
[ -n "${DATA:-}" ] || [ ! -d /dev/shm ] || { DATA=$(mktemp -d /dev/shm/quick.XXXXXX); memory=$DATA; }
source "$(dirname "$0")/servers.sh"
trap 'stop; [ "${other:-}" != then ] || git worktree prune; [ -z "${memory:-}" ] || rm -rf "$memory"' EXIT
recorded=bench/quick.json
[ "${1:-}" != --against ] || git rev-parse --verify --quiet "${2:-}^{commit}" >"$work/commit" || { echo "--against needs a commit." >&2; exit 2; }

build WebFront bench/Load
start_ours 18180; ours=$launched
if [ "${1:-}" = --against ]; then
  other=then dialect=orleanschat
  git worktree add --quiet --detach "$work/then" "$(cat "$work/commit")"
  build "$work/then/WebFront"
  FRONT=$work/then/WebFront start_ours 18181
else
  build bench/Baseline
  other=baseline dialect=plain
  start_baseline 18181
fi
others=$launched

workloads=(1-in-flight lockstep 200-rooms 16-in-flight) # The last needs the longest to get warm.

run() { # run SERVER WORKLOAD: one JSON report; the other server stands still, or what it does after its own load would be paid by this one
  local of_server still code=0
  case $1 in
    ours) still=$others of_server=(--url ws://127.0.0.1:18180 --pid "$ours") ;;
    "$other") still=$ours of_server=(--url ws://127.0.0.1:18181 --dialect "$dialect" --pid "$others") ;;
  esac
  kill -STOP "$still"
  # shellcheck disable=SC2046 # words, meant to be split
  load $(arguments "$2") "${of_server[@]}" --warmup 1 --seconds 2 --json 2>"$work/table" || code=$?
  kill -CONT "$still"
  [ $code -eq 0 ] || { cat "$work/table" >&2; exit 1; }
}

for server in ours "$other"; do
  for turn in 1 2; do run $server 16-in-flight >"$work/warm"; done
done
for workload in "${workloads[@]}"; do
  for turn in 1 2 3; do
    for server in ours "$other"; do run $server "$workload" >"$work/$server-$workload-$turn.json"; done
  done
done

fell=0 lines=()
for workload in "${workloads[@]}"; do
  of() { for turn in 1 2 3; do field "$2" <"$work/$1-$workload-$turn.json"; done | median; }
  ratio=$(awk "BEGIN { printf \"%.3f\", $(of ours deliveredPerSecond) / $(of $other deliveredPerSecond) }")
  cost=$(awk "BEGIN { printf \"%.3f\", $(of ours cpuMicrosPerDelivery) / $(of $other cpuMicrosPerDelivery) }")
  if [ $other = then ]; then before=1; else before=$([ ! -f $recorded ] || field "$workload" <$recorded); fi
  printf '%-12s ours %9.0f/s, %s %9.0f/s, ratio %s (measure %s); CPU per delivery %s times theirs\n' \
    "$workload" "$(of ours deliveredPerSecond)" $other "$(of $other deliveredPerSecond)" "$ratio" "${before:--}" "$cost"
  lines+=("  \"$workload\": $ratio")
  if [ -n "$before" ] && awk "BEGIN { exit !($ratio <= 0.8 * $before) }"; then
    echo "  That is 20 % or more below."
    fell=1
  fi
done

if [ "${1:-}" = --record ]; then
  { echo '{'; printf '%s\n' "${lines[@]}" | sed '$!s/$/,/'; echo '}'; } >$recorded
  exit 0
fi
exit $fell
