#!/bin/sh
# An entry point as it is often written: it prepares something, then starts the program, without exec.
echo "start.sh: prepared"
node server.js
