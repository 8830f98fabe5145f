# shellcheck shell=bash
# Sourced by the other scripts: builds, starts servers pinned to one core, runs the generator pinned to the other, stops what it started.
# Variables one may set: SERVER_CORE (0), LOAD_CORE (1), DATA (a folder for ours' data file; default: a new temporary one).
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
export LC_ALL=C # a point in numbers
SERVER_CORE=${SERVER_CORE:-0} LOAD_CORE=${LOAD_CORE:-1}
work=$(mktemp -d)
started=()
unset ConnectionStrings__Redis # the one process would take it for a cluster

need() { command -v "$1" >/dev/null || { echo "bench needs '$1': install $2." >&2; exit 2; }; }
need dotnet "the .NET 10 SDK"
need taskset "the package util-linux"
[ "$(nproc)" -ge 2 ] || { echo "bench needs two cores: one for the server, one for the generator." >&2; exit 2; }

end_servers() { # the last first: what it was started upon is there until it has ended
  local i pid
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do
    pid=${started[i]}
    kill "$pid" 2>/dev/null || true
    kill -CONT "$pid" 2>/dev/null || true # one that stands still does not end
    for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  started=()
}

stop() {
  end_servers
  rm -rf "$work"
}
trap stop EXIT

build() { # build PROJECT...: each in Release
  for project in "$@"; do
    dotnet build "$project" --configuration Release -v quiet -nologo >"$work/build" 2>&1 || { cat "$work/build" >&2; exit 2; }
  done
}

wait_for() { # wait_for PORT PID: something listens
  for _ in $(seq 150); do
    kill -0 "$2" 2>/dev/null || { echo "The server on port $1 ended:" >&2; cat "$work/$1.log" >&2; exit 2; }
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.2
  done
  echo "Nothing listens on port $1 after 30 s." >&2; exit 2
}

wait_until_ready() { # wait_until_ready PORT: its health says so
  for _ in $(seq 150); do
    curl -fs -o /dev/null "http://127.0.0.1:$1/healthz/ready" && return
    sleep 0.2
  done
  echo "The server on port $1 is not ready after 30 s:" >&2; cat "$work/$1.log" >&2; exit 2
}

launch() { # launch PORT COMMAND...: pinned; its process id is in $launched
  # Somebody else's server there would be measured in its place.
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then echo "Port $1 is taken: name another." >&2; exit 2; fi
  taskset -c "$SERVER_CORE" "${@:2}" >"$work/$1.log" 2>&1 &
  launched=$!
  started+=("$launched")
  wait_for "$1" "$launched"
}

# Ours as a user runs it, but for the rate limits: they are what a load generator would measure.
Auth__SigningKey="bench-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
export Auth__SigningKey
front() { # front PORT; FRONT: another build's folder
  Chat__MessagesPerSecond=0 Chat__MessageBurst=0 Chat__ConnectionsPerUser=1000000 Chat__NewRoomsPerMinute=0 \
    launch "$1" dotnet "${FRONT:-WebFront}/bin/Release/net10.0/OrleansChat.WebFront.dll" --urls "http://127.0.0.1:$1"
}

start_ours() { # start_ours PORT: one process, with an empty data file
  local data=${DATA:-$work}/chat-$1.db
  rm -f "$data" "$data"-*
  Chat__DataPath=$data front "$1"
}

start_cluster() { # start_cluster PORT: a front on it; its silo and its Redis on the ports behind it
  start_redis $(($1 + 1))
  export ConnectionStrings__Redis=127.0.0.1:$(($1 + 1))
  Chat__NewRoomsPerMinute=0 Orleans__Endpoints__SiloPort=$(($1 + 2)) Orleans__Endpoints__GatewayPort=$(($1 + 3)) Orleans__Endpoints__AdvertisedIPAddress=127.0.0.1 \
    launch $(($1 + 4)) dotnet Silo/bin/Release/net10.0/OrleansChat.Silo.dll --urls "http://127.0.0.1:$(($1 + 4))"
  wait_until_ready $(($1 + 4))
  front "$1"
  wait_until_ready "$1"
  unset ConnectionStrings__Redis
}

start_redis() { # start_redis PORT: empty; synced to disk every second
  launch "$1" redis-server --port "$1" --bind 127.0.0.1 --dir "$(mktemp -d "$work/redis.XXXXXX")" --save '' --appendonly yes --appendfsync everysec --maxmemory-policy noeviction
}

start_baseline() { # start_baseline PORT
  launch "$1" dotnet bench/Baseline/bin/Release/net10.0/OrleansChat.Bench.Baseline.dll --urls "http://127.0.0.1:$1"
}

load() { taskset -c "$LOAD_CORE" dotnet bench/Load/bin/Release/net10.0/OrleansChat.Bench.Load.dll "$@"; }

arguments() { # arguments WORKLOAD: what the generator is to do
  case $1 in
    16-in-flight) echo fanout --window 16 ;;
    1-in-flight) echo fanout --window 1 ;;
    1000-members) echo fanout --members 1000 --window 4 ;;
    200-rooms) echo fanout --rooms 200 --members 5 --publishers 1 ;;
    lockstep) echo lockstep --members 32 ;;
    500-a-second) echo fanout --rate 500 --publishers 10 ;;
    hot-room) echo fanout --members 4 --publishers 4 --window 64 ;;
    idle) echo idle --connections 19000 --rooms 100 ;;
    *) echo "There is no workload '$1'." >&2; exit 2 ;;
  esac
}

field() { # field NAME [N]: a number of the JSON on standard input; the N-th of that name
  sed -n "s/^ *\"$1\": \(-\{0,1\}[0-9.eE+-]*\),\{0,1\}$/\1/p" | sed -n "${2:-1}p"
}

median() { sort -g | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
