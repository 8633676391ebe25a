#!/bin/sh
# Install what the task option `engine: sc2` needs: the game's Linux package, the map, a client, and check each of them.
#
#   deploy/starcraft/install.sh --game SC2.4.10.zip --map empty_passive.SC2Map [--smac CHECKOUT] [--python PYTHON]
#
# See docs/tasks/starcraft-sc2.md for where the parts come from. Nothing is downloaded but Python packages.
set -eu

SC2PATH=${SC2PATH:-$HOME/StarCraftII}
ENVIRONMENT=${ENVIRONMENT:-$HOME/.local/share/copa/starcraft}
PYTHON=python3
GAME= MAP= SMAC=

usage() {
    cat <<EOF
usage: $0 [--game ARCHIVE] [--map FILE] [--smac CHECKOUT] [--python PYTHON]

  --game ARCHIVE   the game's Linux package (SC2.*.zip), which Blizzard gives to those who accept its licence:
                   https://github.com/Blizzard/s2client-proto#downloads
                   It asks for a password, which stands on that page and says that you accept. Unpacked into
                   SC2PATH ($SC2PATH)
  --map FILE       empty_passive.SC2Map, from the source repository of REFIL:
                   https://github.com/shariqiqbal2810/REFIL, src/envs/starcraft2/maps/SMAC_Maps
  --smac CHECKOUT  a checkout of https://github.com/oxwhirl/smac, installed into an environment of its own,
                   ENVIRONMENT ($ENVIRONMENT). Without it the client is "direct", which comes with pip install
                   'copa[starcraft]'
  --python PYTHON  interpreter that makes the environment; Python 3.11 ($PYTHON)
EOF
}

fail() {
    echo "error: $*" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
        --game | --map | --smac | --python) [ $# -ge 2 ] || fail "$1 needs a value" ;;
    esac
    case $1 in
        --game) GAME=$2 ;;
        --map) MAP=$2 ;;
        --smac) SMAC=$2 ;;
        --python) PYTHON=$2 ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift 2
done

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "the game runs without a screen on Linux on x86_64 alone"

binaries() {
    ls "$SC2PATH"/Versions/Base*/SC2_x64 2> /dev/null || true
}

if [ -n "$GAME" ]; then
    [ -f "$GAME" ] || fail "there is no archive $GAME"
    command -v unzip > /dev/null || fail "unzip is missing; install it (apt-get install unzip)"
    [ "$(basename "$SC2PATH")" = StarCraftII ] || fail "the archive unpacks to StarCraftII; let SC2PATH end so"
    mkdir -p "$(dirname "$SC2PATH")"
    unzip -q -o "$GAME" -d "$(dirname "$SC2PATH")" # asks for the password
fi
[ -n "$(binaries)" ] || fail "no game in $SC2PATH (Versions/Base*/SC2_x64): get its Linux package, accept its licence,
and name the archive by --game; $0 --help says where it is."
for binary in $(binaries); do
    chmod +x "$binary"
    echo "game: $binary"
done

map=$SC2PATH/Maps/SMAC_Maps/empty_passive.SC2Map
if [ -n "$MAP" ]; then
    [ -f "$MAP" ] || fail "there is no map $MAP"
    mkdir -p "$(dirname "$map")"
    cp "$MAP" "$map"
fi
[ -f "$map" ] || fail "no map $map: name it by --map; $0 --help says where it comes from."
echo "map: $map"

client=direct
if [ -n "$SMAC" ]; then
    [ -f "$SMAC/smac/env/starcraft2/starcraft2.py" ] ||
        fail "$SMAC is no checkout of the StarCraft Multi-Agent Challenge: git clone https://github.com/oxwhirl/smac"
    source=$(cd "$SMAC" && pwd) # pip takes a bare "smac" for the package of that name on the index, another one
    "$PYTHON" -m venv "$ENVIRONMENT" || fail "$PYTHON cannot make an environment in $ENVIRONMENT"
    "$ENVIRONMENT/bin/python" -m pip install -q --disable-pip-version-check "$source" ||
        fail "pip could not install $source and what it needs from the package index into $ENVIRONMENT; see above"
    "$ENVIRONMENT/bin/python" -m pip check || fail "the packages in $ENVIRONMENT do not fit together; remove it, try again"
    "$ENVIRONMENT/bin/python" -c 'from smac.env import StarCraft2Env' ||
        fail "smac was installed in $ENVIRONMENT, but cannot be imported; remove it, try again"
    client=smac
    echo "smac: $ENVIRONMENT/bin/python"
fi

echo
echo "Try it:"
printf '  export SC2PATH=%s\n' "$SC2PATH"
printf '  copa train --preset smoke --task starcraft/3-8sz --task.options.engine sc2 --task.options.client %s' "$client"
[ "$client" = direct ] || printf ' --task.options.python %s/bin/python' "$ENVIRONMENT"
echo
