#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The command line itself: help, abbreviations, aliases, options, and every way to get it wrong.
. "$(dirname "$0")/lib.sh"
make_namespaces

run --help; exits 0; says "usage: sluice"; says "trace dev D"
run help; exits 0; says "usage: sluice"
run --version; exits 0; says "sluice 0."
run; exits 2; complains "usage: sluice"
for command in plan report audit attach reattach confirm rollback detach reload status top monitor list metrics trace; do
	run $command --help; exits 0; says "usage: sluice $command"; says "--json"
done
run list --help; says_not "--confirm"
run status --help; says "Nagios"

# Abbreviations and aliases
run stat; exits 0; says "not attached to any device"
run li; exits 0
run show; exits 0
run sh; exits 0
run s; exits 2; complains '"s" is short for several commands'
run up --help; exits 0; says "usage: sluice attach|up"
run do --help; exits 0; says "usage: sluice detach|down"

# Mistakes
run frobnicate; exits 2; complains 'no command "frobnicate"'
run list --frobnicate; exits 2; complains "no option --frobnicate"
run list --confirm 3; exits 2; complains "it has no use for --confirm"; complains "sluice list --help"
run status mode tc; exits 2; complains "it has no use for mode"
run list --json=1; exits 2; complains "--json takes no value"
run plan dev; exits 2; complains "dev wants a value"
run plan dev ''; exits 2; complains "cannot be empty"
run plan dev a-name-that-is-too-long; exits 2; complains "too long for a device's name"
run plan mode fast dev v0; exits 2; complains 'no mode "fast"'
run attach dev v0 --confirm 0; exits 2; complains "--confirm takes seconds"
run plan dev v0 --check; exits 2; complains "--check wants a percentage"
run plan dev v0 --check=abc; exits 2; complains '--check takes a percentage, 0 to 100, not "abc"'
run plan dev v0 --check 120%; exits 2; complains "not \"120%\""
run list extra; exits 2; complains '"extra" is one word too many'
run detach extra; exits 2; complains '"extra" is one word too many'
run reload extra; exits 2; complains '"extra" is one word too many'
run reload; exits 1; complains "sluiced does not run in this network namespace"
run status extra; exits 2; complains '"extra" is one word too many'
run plan a b; exits 2; complains '"b" is one word too many'
run list --format xml; exits 2; complains 'no format "xml"'
run a; exits 2; complains '"a" is short for several commands'
run audit; exits 2; complains "which device? Nothing was done"
run audit dev v0 extra; exits 2; complains '"extra" is one word too many'
run audit dev v0 --for never; exits 2; complains "--for takes a time like 90s, 30m, 24h or 7d"
run audit dev v0 --for 0s; exits 2; complains "--for takes a time"
run audit dev v0 --for 99999999999d; exits 2; complains "--for takes a time"
run monitor extra; exits 2; complains '"extra" is one word too many'
run monitor --every 0; exits 2; complains '--every takes a number from 1 on, not "0"'
run monitor --count -3; exits 2; complains '--count takes a number from 1 on, not "-3"'
run monitor --every 99999999999; exits 2; complains "--every takes a number"
run monitor; exits 1; complains "not attached to any device"
run attach dev v0 --for 3s; exits 2; complains "it has no use for --for"
run attach; exits 2; complains "which device? Nothing was done"; complains "sluice attach dev v0"
run trace; exits 2; complains "which device?"
run trace dev v0; exits 2; complains "which packets?"
run -n no-such-namespace status; exits 1; complains 'network namespace "no-such-namespace"'

# Devices that are not there
for command in plan list "trace ip"; do
	run $command dev nosuch0; exits 1; complains "no device nosuch0 in this network namespace"
done
run attach dev nosuch0; exits 1; complains "no device nosuch0"
run audit dev nosuch0; exits 1; complains "no device nosuch0"
run detach dev nosuch0; exits 1; complains "not attached to nosuch0"
run detach; exits 1; complains "not attached to any device"

# Without privileges: a message, not a riddle
if setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$sluice"; then
	run_as_nobody plan dev lo; exits 1; complains "root"
	run_as_nobody list; exits 1; complains "root"
	run_as_nobody top --once; exits 1; complains "root"
	run_as_nobody trace dev lo tcp dport 1; exits 1; complains "root"
	run_as_nobody attach dev lo; exits 1; complains "sluice:"
	run_as_nobody audit dev lo; exits 1; complains "root"
else
	echo "skipped: nobody cannot run $sluice"
fi

# A full disk is no success
"$sluice" --help >/dev/full 2>"$work/err"; status=$?; ran="sluice --help >/dev/full"
exits 1; complains "cannot write the output"

# Attached, seen, and gone again
run attach dev v0 -v; exits 0; says "v0: attached, mode native"; says "offload: refused"
run status; exits 0; says "v0: native"; says "fresh"
run status -j; exits 0; json '.devices | length == 1'; json '.devices[0].fresh and .devices[0].dropped_early == 0'
run status --check; exits 0; says "sluice OK"
run attach dev v0; exits 1; complains "already keeps v0 in step"
run down dev v0; exits 0; says "v0: detached"
run status --check; exits 2; says "CRITICAL"
run up dev v0 mode tc -j; exits 0; json '.mode == "tc"'
run detach -j; exits 0; json '.detached == ["v0"]'

finish
