#!/bin/sh
# Makes the environment of one heavy engine, in .engines/NAME, with the project in it:
#
#     make engine-xtts                        (sh deploy/engines/install.sh xtts)
#     sh deploy/engines/install.sh xtts tests   with what its tests need
#
# NAME.txt beside this file holds what the engine needs, NAME.overrides.txt, where there is one, what
# its packages ask for and must not have (https://docs.astral.sh/uv/concepts/resolution/#overrides).
# Without an NVIDIA GPU torch comes without CUDA: 1.5 GB less. Nothing is done twice.
set -eu

cd "$(dirname "$0")/../.."
here=deploy/engines
name=${1:-}
tests=${2:-}
if [ -z "$name" ] || [ ! -f "$here/$name.txt" ]; then
    known=$(ls "$here" | sed -n 's/^\([a-z0-9_-]*\)\.txt$/\1/p' | tr '\n' ' ')
    echo "no engine ${name:-given}: there is no $here/$name.txt. Known: $known" >&2
    exit 2
fi
uv=${UV:-.venv/bin/uv}
folder=.engines/$name
overrides=$here/$name.overrides.txt
[ -f "$overrides" ] || overrides=

# A stamp's name holds the sum of what it was made from: changed inputs, new set-up.
sum=$(cat pyproject.toml "$0" "$here/$name.txt" ${overrides:+"$overrides"} | cksum | cut -d' ' -f1)
if [ -f "$folder/.ready-$sum-$tests" ]; then
    exit 0
fi

echo "installing the engine $name into $folder (torch and its kin: 1 to 5 GB)"
[ -x "$folder/bin/python" ] || "$uv" venv --quiet --python .venv/bin/python "$folder"

backend=auto
links=$(python3 -m pip config get global.find-links 2>/dev/null || true)
if ! command -v nvidia-smi >/dev/null && [ -d "$links" ]; then
    UV_FIND_LINKS=$links
    export UV_FIND_LINKS
    backend=
fi
"$uv" pip install --quiet --python "$folder/bin/python" \
    ${backend:+--torch-backend "$backend"} ${overrides:+--overrides "$overrides"} \
    --requirements "$here/$name.txt" --editable . \
    ${tests:+"pytest>=8.3,<10" "pytest-asyncio>=1,<2" "pytest-timeout>=2.3,<3"}
rm -f "$folder"/.ready-*
touch "$folder/.ready-$sum-$tests"
