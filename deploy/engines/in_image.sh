#!/bin/sh
# Installs the project with the packages of engines into the Python on the PATH: what the Dockerfile
# runs, and install.sh beside this file does for .engines/.
#
#     sh deploy/engines/in_image.sh cpu whisper
#     sh deploy/engines/in_image.sh cuda xtts cluster
#
# cpu takes torch without CUDA from PyTorch's own index, 1.5 GB less (unless UV_FIND_LINKS names a
# folder that has it); cuda what the registry has, which brings CUDA, and NAME.cuda.txt besides.
set -eu

cd "$(dirname "$0")/../.."
here=deploy/engines
device=${1:-}
case $device in
    cpu | cuda) shift ;;
    *) echo "DEVICE must be cpu or cuda, not '$device'" >&2; exit 2 ;;
esac
if [ $# -eq 0 ]; then
    echo "ENGINE is missing" >&2
    exit 2
fi

wanted=
for name in "$@"; do
    case $name in
        *[!a-z0-9_-]*) known=no ;;
        *) known=yes ;;
    esac
    if [ $known = no ] || [ ! -f "$here/$name.txt" ]; then
        known=$(ls "$here" | sed -n 's/^\([a-z0-9_-]*\)\.txt$/\1/p' | tr '\n' ' ')
        echo "no engine '$name': there is no $here/$name.txt. Known: $known" >&2
        exit 2
    fi
    wanted="$wanted --requirements $here/$name.txt"
    [ ! -f "$here/$name.overrides.txt" ] || wanted="$wanted --overrides $here/$name.overrides.txt"
    if [ "$device" = cuda ] && [ -f "$here/$name.cuda.txt" ]; then
        wanted="$wanted --requirements $here/$name.cuda.txt"
    fi
done
if [ "$device" = cpu ] && [ -z "${UV_FIND_LINKS:-}" ]; then
    wanted="$wanted --torch-backend cpu"
fi
# Words, not one text: no name has a blank in it.
# shellcheck disable=SC2086
exec uv pip install --python "$(command -v python3)" $wanted ".[speech-server,redis]"
