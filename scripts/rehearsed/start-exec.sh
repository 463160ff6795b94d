#!/bin/sh
# The same with exec.
echo "start.sh: prepared"
exec node server.js
