#!/usr/bin/env bash
# Builds OpenTelemetry's Collector with its own builder, of the parts in components.yaml, and prints
# where it is. Needs Go. What is built is kept in $AEP_FLOW_CACHE (.cache here).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache="${AEP_FLOW_CACHE:-$(dirname "$(dirname "$here")")/.cache}"
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

parts="$here/components.yaml"
version=$(sed -n 's/.*otlpreceiver v//p' "$parts")
# Another list of parts is another program.
program="$cache/otelcol-$version-$(sha256sum "$parts" | cut -c 1-12)"

# Tests of two programs may ask at once.
exec 9>"$cache/otelcol.lock"
flock 9
if [ ! -x "$program" ]; then
  echo "building OpenTelemetry's Collector $version, once: some minutes" >&2
  GOBIN="$cache/bin" CGO_ENABLED=0 go install "go.opentelemetry.io/collector/cmd/builder@v$version" >&2
  sed "s|^dist:|&\n  output_path: $cache/otelcol|" "$parts" >"$cache/otelcol.yaml"
  CGO_ENABLED=0 "$cache/bin/builder" --config "$cache/otelcol.yaml" >&2
  mv "$cache/otelcol/otelcol" "$program"
  rm -rf "$cache/otelcol" "$cache/otelcol.yaml"
fi
echo "$program"
