#!/usr/bin/env bash
# Builds the product and the chaos checker, and runs it: ./bench/chaos.sh --duration 10m --seed 7
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet build bench/Chaos --configuration Release -v quiet -nologo
exec dotnet bench/Chaos/bin/Release/net10.0/OrleansChat.Chaos.dll "$@"
