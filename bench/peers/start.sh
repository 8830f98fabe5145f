# shellcheck shell=bash
# Sourced by compare.sh, after servers.sh: starts each server that is compared, and says how the generator gets in.
peers=bench/peers modules=bench/peers/node_modules

install_peers() { # what package-lock.json says, once
  cmp -s $peers/package-lock.json $modules/.installed && return
  (cd $peers && npm ci --no-audit --no-fund) >"$work/npm" 2>&1 || { cat "$work/npm" >&2; echo "npm did not bring the peers." >&2; exit 2; }
  cp $peers/package-lock.json $modules/.installed
}

# start NAME PORT: the server; $dialect and $addresses tell the generator. Takes up to five ports from PORT on.
start() {
  addresses=("ws://127.0.0.1:$2")
  case $1 in
    ours) dialect=orleanschat; start_ours "$2" ;;
    cluster) dialect=orleanschat; start_cluster "$2" ;;
    deno)
      dialect=tutorial addresses=("ws://127.0.0.1:$2/ws?token={token}")
      PORT=$2 JWT_SECRET=$Auth__SigningKey launch "$2" $modules/deno/deno run --allow-net --allow-env $peers/deno/main.ts
      ;;
    bun) dialect=plain; PORT=$2 launch "$2" $modules/bun/bin/bun.exe $peers/bun/server.js ;;
    ws) dialect=plain; PORT=$2 NODE_ENV=production launch "$2" node $peers/ws/server.js ;;
    socketio) dialect=socketio; REDIS='' start_socketio "$2" ;;
    signalr) dialect=signalr; REDIS='' start_signalr "$2" ;;
    socketio-redis | signalr-redis)
      dialect=${1%-redis}
      addresses+=("ws://127.0.0.1:$(($2 + 1))")
      start_redis $(($2 + 2))
      REDIS=127.0.0.1:$(($2 + 2)) "start_$dialect" "$2"
      REDIS=127.0.0.1:$(($2 + 2)) "start_$dialect" $(($2 + 1))
      ;;
    *) echo "There is no server '$1'." >&2; exit 2 ;;
  esac
}

start_socketio() { PORT=$1 NODE_ENV=production REDIS_URL=${REDIS:+redis://$REDIS} launch "$1" node $peers/socketio/server.js; }

start_signalr() { launch "$1" dotnet $peers/SignalR/bin/Release/net10.0/OrleansChat.Bench.SignalR.dll --urls "http://127.0.0.1:$1"; }
