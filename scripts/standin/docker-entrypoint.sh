#!/bin/sh
# As in the official image: arguments that are no command are node's.
set -e
case ${1:-} in
  '' | -*) exec node "$@" ;;
esac
if [ -z "$(command -v "$1")" ] || { [ -f "$1" ] && [ ! -x "$1" ]; }; then
  exec node "$@"
fi
exec "$@"
