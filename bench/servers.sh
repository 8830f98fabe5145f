# Sourced by the other scripts: builds, starts servers pinned to one core, runs the generator pinned to the other, stops what it started.
# Variables one may set: SERVER_CORE (0), LOAD_CORE (1), DATA (a folder for ours' data file; default: a new temporary one).
cd "$(dirname "${BASH_SOURCE[0]}")/.."
SERVER_CORE=${SERVER_CORE:-0} LOAD_CORE=${LOAD_CORE:-1}
work=$(mktemp -d)
started=()

need() { command -v "$1" >/dev/null || { echo "bench needs '$1': install $2." >&2; exit 2; }; }
need dotnet "the .NET 10 SDK"
need taskset "the package util-linux"
[ "$(nproc)" -ge 2 ] || { echo "bench needs two cores: one for the server, one for the generator." >&2; exit 2; }

stop() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
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

launch() { # launch PORT COMMAND...: pinned; its process id is in $launched
  taskset -c "$SERVER_CORE" "${@:2}" >"$work/$1.log" 2>&1 &
  launched=$!
  started+=("$launched")
  wait_for "$1" "$launched"
}

# Ours as a user runs it, but for the rate limits: they are what a load generator would measure.
export Auth__SigningKey="bench-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
start_ours() { # start_ours PORT
  Chat__MessagesPerSecond=0 Chat__MessageBurst=0 Chat__ConnectionsPerUser=1000000 Chat__NewRoomsPerMinute=0 Chat__DataPath="${DATA:-$work}/chat-$1.db" \
    launch "$1" dotnet WebFront/bin/Release/net10.0/OrleansChat.WebFront.dll --urls "http://127.0.0.1:$1"
}

start_baseline() { # start_baseline PORT
  launch "$1" dotnet bench/Baseline/bin/Release/net10.0/OrleansChat.Bench.Baseline.dll --urls "http://127.0.0.1:$1"
}

load() { taskset -c "$LOAD_CORE" dotnet bench/Load/bin/Release/net10.0/OrleansChat.Bench.Load.dll "$@"; }

field() { # field NAME [N]: a number of the JSON on standard input; the N-th of that name
  sed -n "s/^ *\"$1\": \(-\{0,1\}[0-9.eE+-]*\),\{0,1\}$/\1/p" | sed -n "${2:-1}p"
}

median() { sort -g | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
