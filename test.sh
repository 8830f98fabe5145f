#!/usr/bin/env bash
# The one test command: installs what is missing, builds, runs every test, and ends with "N passed, N failed, N skipped".
#   ./test.sh                       everything
#   ./test.sh -class '*Outbox*'     some of it: what xunit.v3's runner understands is handed on
set -euo pipefail
cd "$(dirname "$0")"

need() { # need COMMAND PACKAGE: the command is there, or apt brings it, or one sentence says what to install
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2"; } >/dev/null 2>&1 || true
  fi
  command -v "$1" >/dev/null || { echo "The tests need '$1': install the package '$2' and run ./test.sh again." >&2; exit 1; }
}
command -v dotnet >/dev/null || { echo "The tests need the .NET 10 SDK: https://dot.net" >&2; exit 1; }
need redis-server redis-server
need chromium chromium
need node nodejs

node --test Tests/Client/*.test.mjs Tests/Bench/*.test.mjs
dotnet build OrleansChat.sln --configuration Release -v quiet -nologo

log=$(mktemp)
trap 'rm -f "$log"' EXIT
set +e
timeout --signal=INT 840 dotnet Tests/bin/Release/net10.0/OrleansChat.Tests.dll -noColor -noLogo "$@" 2>&1 | tee "$log"
code=${PIPESTATUS[0]}
set -e
# The runner's summary: "OrleansChat.Tests  Total: 9, Errors: 0, Failed: 1, Skipped: 0, Not Run: 0, Time: 0.1s"
count() { sed -n "s/^ *OrleansChat.Tests  Total.*$1: \([0-9]*\),.*/\1/p;s/^ *OrleansChat.Tests  $1: \([0-9]*\),.*/\1/p" "$log" | tail -1; }
total=$(count Total) failed=$(($(count Failed) + $(count Errors))) skipped=$(($(count Skipped) + $(count 'Not Run')))
if [ -z "$total" ]; then echo "The test run ended without a summary (exit code $code; 124 means it took over 14 minutes)." >&2; exit $((code == 0 ? 1 : code)); fi
echo "$((total - failed - skipped)) passed, $failed failed, $skipped skipped"
exit "$code"
