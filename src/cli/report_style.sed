# SPDX-License-Identifier: GPL-2.0-only
# The page's style as a string of C: each line in quotes.
s/["\\]/\\&/g
s/.*/"&\\n"/
1i static const char report_style[] =
$a ;
