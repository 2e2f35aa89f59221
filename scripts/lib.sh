# Shared by the scripts in this folder; to be sourced. Works with bash 3.2 and later.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
ROOT="$PWD"
VENV="$ROOT/.venv"

# Homebrew's libraries are not on the search path of other programs.
if [ -d /opt/homebrew/lib ]; then
  export DYLD_FALLBACK_LIBRARY_PATH="/opt/homebrew/lib:${DYLD_FALLBACK_LIBRARY_PATH:-/usr/local/lib:/usr/lib}"
fi

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

fail() {
  printf '\n%s\n' "$*" >&2
  exit 1
}

is_suitable_python() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
    if command -v "$candidate" >/dev/null && is_suitable_python "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

find_uv() {
  command -v uv || { [ -x "$VENV/bin/uv" ] && echo "$VENV/bin/uv"; }
}

fingerprint() { cat "$@" | cksum | tr ' ' '-'; }
