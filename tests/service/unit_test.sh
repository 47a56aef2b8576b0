#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The systemd unit: well-formed, and as closed as the README says. $1: the source tree.
unit=$1/dist/sluiced.service
command -v systemd-analyze >/dev/null || { echo "skipped: systemd-analyze is not installed"; exit 77; }
systemd-analyze --version | grep -q '^systemd 252 ' || { echo "skipped: other versions than Debian 12's rate otherwise"; exit 77; }

stated=$(sed -n 's/^it \([0-9.]*\) ("OK").*/\1/p' "$1/README.md")
score=$(systemd-analyze security --offline=true "$unit" | sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p')
[ -n "$score" ] || { echo "skipped: this systemd-analyze rates no files"; exit 77; }
[ "$score" = "$stated" ] || { echo "FAILED: it is rated $score, and the README says $stated"; exit 1; }

# What is to be run is not installed, nor are its manuals.
complaints=$(systemd-analyze verify "$unit" 2>&1 | grep -v -e 'is not executable' -e 'failed with code' )
[ -z "$complaints" ] || { echo "FAILED: $complaints"; exit 1; }
echo "ok: rated $score"
