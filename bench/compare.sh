#!/usr/bin/env bash
# Ours beside its peers, in one run: every server on one core, the generator on the other.
#   bench/compare.sh                                            everything, three turns, to bench/RESULTS.md: about 35 minutes
#   bench/compare.sh --quick                                    everything, one short turn, to standard output: about 9 minutes; a look, no measurement
#   bench/compare.sh --servers ours,bun --workloads lockstep    a part of it, to standard output
# Options: --turns N, --seconds N (measured in each run), --warmup N (seconds of load on a new server), --port N (the first of ten), --out FILE.
# In a turn each server is started, warmed up and given all workloads one after another, and then the next: what is compared is minutes apart. Ours and Bun's, the
# closest race, are up together, and each workload goes to one right after the other. More are not: what others do once their load is over would be in the figures.
set -euo pipefail
command="bench/compare.sh $*"
all_servers=ours,bun,deno,ws,socketio,signalr,cluster,signalr-redis,socketio-redis
all_workloads=16-in-flight,1-in-flight,1000-members,200-rooms,lockstep,500-a-second,hot-room,idle
turns=3 seconds=5 warmup=8 port=18380 servers=$all_servers workloads=$all_workloads out=''
while [ $# -gt 0 ]; do
  case $1 in
    --quick) turns=1 seconds=2 warmup=5; shift ;;
    --turns | --seconds | --warmup | --port | --servers | --workloads | --out) declare "${1#--}=${2:?"$1 needs a value"}"; shift 2 ;;
    *) sed -n '2,8s/^# //p' "$0" >&2; exit 2 ;;
  esac
done
# What is less than a measurement of everything does not take the place of one.
[ -n "$out" ] || [ "$servers/$workloads" != "$all_servers/$all_workloads" ] || [ "$turns" -lt 3 ] || out=bench/RESULTS.md

fits() { # fits SERVER WORKLOAD: only ours acknowledge and store; what a connection costs is one process' to tell
  case $1/$2 in
    ours/* | cluster/hot-room) ;;
    */hot-room | cluster/idle | *-redis/idle) return 1 ;;
  esac
}

source "$(dirname "$0")/servers.sh"
source bench/peers/start.sh
need node "Node.js 20 or later"
need npm "npm, for Deno, Bun, ws and Socket.IO"
need redis-server "Redis 7 or later"
need curl "curl"
for workload in ${workloads//,/ }; do arguments "$workload" >"$work/checked"; done
if [[ ,$workloads, == *,idle,* ]]; then
  ulimit -n "$(ulimit -Hn)"
  [ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge 19500 ] || { echo "19,000 idle connections need 19,500 open files, this shell allows $(ulimit -n): raise ulimit -n, or leave out idle." >&2; exit 2; }
fi
build WebFront Silo bench/Load bench/peers/SignalR
install_peers

declare -A target # by server: how the generator gets to it, and whose CPU it counts
up() { # up SERVER PORT: started
  local before=${#started[@]} pid address
  start "$1" "$2"
  target[$1]="--dialect $dialect"
  for address in "${addresses[@]}"; do target[$1]+=" --url $address"; done
  for pid in "${started[@]:before}"; do target[$1]+=" --pid $pid"; done
}

# shellcheck disable=SC2086 # words, meant to be split
run() { load "${@:2}" ${target[$1]} --json; } # run SERVER ARGUMENTS...: the generator against it

measure() { # measure SERVER WORKLOAD TURN: a report; one with faults is a report too, and the tables say so
  local report=$work/reports/$2/$1-$3 code=0
  mkdir -p "${report%/*}"
  # shellcheck disable=SC2046 # words, meant to be split
  run "$1" $(arguments "$2") --warmup 2 --seconds "$seconds" >"$report.json" 2>"$report.log" || code=$?
  echo "turn $3, $1, $2: $(sed -n '/^delivered\|^connections\|^faults/{s/^[a-z]* *//;p}' "$report.log" | paste -sd ';')" >&2
  [ $code -lt 2 ] || { echo "  No report: $(cat "$report.log")" >&2; rm "$report.json"; }
}

mkdir "$work/reports"
load_before=$(cut -d' ' -f1-3 /proc/loadavg)
race() { # race TURN SERVER...: up together; each workload goes to one after the other
  local next=$port server workload
  for server in "${@:2}"; do
    up "$server" "$next"
    next=$((next + 5))
    run "$server" fanout --window 4 --warmup 0 --seconds "$warmup" >"$work/warm" 2>&1 || cat "$work/warm" >&2
  done
  for workload in ${workloads//,/ }; do
    for server in "${@:2}"; do
      [ "$workload" != idle ] && fits "$server" "$workload" || continue
      measure "$server" "$workload" "$1"
    done
  done
  end_servers
}

groups=$servers side_by_side=''
if [[ ,$servers, == *,ours,* && ,$servers, == *,bun,* && $workloads != idle ]]; then
  rest=,$servers,
  rest=${rest/,ours,/,}
  groups=ours+bun${rest/,bun,/,}
  side_by_side="; ours and Bun's were up together and got each workload one right after the other, the rest one server after another"
fi
for turn in $(seq "$turns"); do
  # shellcheck disable=SC2086 # words, meant to be split
  [ "$workloads" = idle ] || for together in ${groups//,/ }; do race "$turn" ${together//+/ }; done
  [[ ,$workloads, == *,idle,* ]] || continue
  for server in ${servers//,/ }; do # Memory beyond the empty process: a new one.
    fits "$server" idle || continue
    up "$server" "$port"
    measure "$server" idle "$turn"
    end_servers
  done
done

version() { sed -n "s|^ *\"$1\": \"\(.*\)\",\{0,1\}$|\1|p" $peers/package.json; }
about() {
  cat <<END
# Ours beside its peers

\`$command\` on $(date -u '+%-d %B %Y, %H:%M UTC'), commit $(git rev-parse --short HEAD)$(git diff --quiet HEAD || echo ' with changes'):
medians over $turns turn(s), $seconds s measured in each run after 2 s of the same load; every server was warmed up for $warmup s before its first$side_by_side.

- Machine: $(nproc) cores of $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), Linux $(uname -r | cut -d. -f1,2), load average before the run $load_before. Server and Redis on core $SERVER_CORE, generator on core $LOAD_CORE.
- Texts of 100 bytes. Ours: tokens checked, rate limits off, every message acknowledged and stored: in one process in a data file on disk (\`Chat:DataSync\` = \`full\`), as a cluster (one silo,
  one front) in Redis (AOF \`everysec\`). Theirs: nothing is acknowledged or stored; tokens are checked on Deno alone. "+ Redis": two servers and Redis.
- .NET $(dotnet --list-runtimes | sed -n 's/^Microsoft.NETCore.App \(10[^ ]*\).*/\1/p' | tail -1), Redis $(redis-server --version | sed 's/.*v=\([^ ]*\).*/\1/'), Node $(node --version | tr -d v), Deno $(version deno), Bun $(version bun), ws $(version ws), Socket.IO $(version socket.io) with redis-adapter $(version @socket.io/redis-adapter).

END
  echo 'Where the generator is near 100 %, the server could have done more.'
  echo
  [ "$turns" -ge 3 ] || printf '**Provisional: fewer than three turns.**\n\n'
}

{ about; node bench/results.mjs "$work/reports"; } >"$work/results.md" || failed=1
if [ -n "$out" ]; then cp "$work/results.md" "$out"; else cat "$work/results.md"; fi
exit "${failed:-0}"
