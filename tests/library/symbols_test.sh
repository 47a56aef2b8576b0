#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# symbols_test.sh LIBRARY MAP HEADER: all that the header declares is exported, and nothing else.
set -eu
library=$1 map=$2 header=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -D --defined-only --with-symbol-versions "$library" | awk '$2 != "A" { print $3 }' | sort >"$work/exported"
sed -n 's/^\t\(sluice_[a-z_]*\);$/\1@@LIBSLUICE_0.1/p' "$map" | sort >"$work/listed"
gcc -E -P "$header" | grep -o '\bsluice_[a-z_]*(' | sed 's/($/@@LIBSLUICE_0.1/' | sort -u >"$work/declared"
[ -s "$work/listed" ]
diff "$work/listed" "$work/exported"
diff "$work/declared" "$work/exported"
readelf -d "$library" | grep -q 'SONAME.*\[libsluice\.so\.0\]'
