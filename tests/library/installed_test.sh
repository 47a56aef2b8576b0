#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# installed_test.sh SLUICE SOURCE BUILD SANITIZERS: the example, made of what was installed and of
# nothing else, and run in a network namespace of its own.
. "$2/tests/cli/lib.sh"
build=$3 sanitizers=$4
root=$work/root

command -v pkg-config >/dev/null || skip "pkg-config is not installed"
DESTDIR=$root meson install -C "$build" --no-rebuild >"$work/install" 2>&1 || {
	cat "$work/install"
	exit 1
}
pc=$(find "$root" -name libsluice.pc)
[ -n "$pc" ] || { echo "no libsluice.pc was installed"; exit 1; }
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$root"
LD_LIBRARY_PATH=$root$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable=libdir libsluice)
export LD_LIBRARY_PATH

compile() { # SOURCE PROGRAM [OPTION…]
	source=$1 program=$2
	shift 2
	[ "$sanitizers" = none ] || set -- "$@" "-fsanitize=$sanitizers"
	# shellcheck disable=SC2046
	cc "$@" -Wall -Wextra -Werror "$source" -o "$program" $(pkg-config --cflags --libs libsluice)
}

ran="cc examples/early.c"
compile "$source_root/examples/early.c" "$work/early" -std=c99 -pedantic -D_GNU_SOURCE || exit 1
# The version is the library's, the header's and the package's; anybody may plan a file; and the
# header is one for C++, too.
cat >"$work/probe.c" <<'END'
#include <sluice.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	struct sluice *sluice;
	struct sluice_plan *plan;

	printf("%s %d.%d.%d\n", sluice_version(), SLUICE_VERSION_MAJOR, SLUICE_VERSION_MINOR,
	       SLUICE_VERSION_PATCH);
	if (argc < 2)
		return 0;
	if (sluice_open(-1, &sluice))
		return 2;
	if (sluice_plan_file(sluice, argv[1], NULL, NULL, &plan)) {
		fprintf(stderr, "%s\n", sluice_error(sluice));
		return 1;
	}
	printf("%.0f %% early\n", sluice_plan_share(plan));
	sluice_plan_free(plan);
	sluice_close(sluice);
	return 0;
}
END
compile "$work/probe.c" "$work/probe" || exit 1
version=$(pkg-config --modversion libsluice)
echo 'table ip t { chain c { type filter hook input priority 0; udp dport 9 drop; }; }' >"$work/rules.nft"
chmod 644 "$work/rules.nft"
setpriv --reuid=65534 --regid=65534 --clear-groups "$work/probe" "$work/rules.nft" >"$work/out" 2>"$work/err"
status=$?
ran="probe rules.nft (as nobody)"
exits 0
says "$version $version"
says '100 % early'
[ "$("$sluice" --version)" = "sluice $version" ] || fail "sluice is of another version"
if command -v c++ >/dev/null; then
	# shellcheck disable=SC2046
	c++ -fsyntax-only -x c++ -Wall -Wextra -Werror $(pkg-config --cflags libsluice) "$work/probe.c" ||
		fail "the header is none for C++"
fi

make_namespaces
meet_neighbours
in_ns nft -f - <<'END'
table inet filter {
	chain input {
		type filter hook input priority 0; policy accept;
		udp dport 9 counter drop
		udp dport 10 counter reject
	}
}
END

early() {
	in_ns "$work/early" "$@" >"$work/out" 2>"$work/err"
	status=$?
	ran="early $*"
}

early v0
exits 0
says 'decided early, by native'
says 'but inet filter input: udp dport 10 counter packets 0 bytes 0 reject'
says '0 of 0 packets early: udp dport 9 counter'
run status --check
exits 0
send_udp 5 10.9.0.1 9 1
early v0
exits 0
says '5 of 5 packets early: udp dport 9 counter'
early nothing0
exits 1
complains 'no device nothing0 in this network namespace'
finish
