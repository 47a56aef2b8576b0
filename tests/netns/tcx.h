/* SPDX-License-Identifier: GPL-2.0-only */
/* Other people's programs, by a few instructions each. All return an fd that keeps them attached.
 */
#ifndef SLUICE_TESTS_NETNS_TCX_H
#define SLUICE_TESTS_NETNS_TCX_H

#include "lab.h"

/* Redirects all that `name` receives to leave by the other device. */
int attach_redirect(enum place place, const char *name, const char *to);
/* Puts a VLAN tag beside every frame that `name` sends. */
int attach_vlan_push(enum place place, const char *name, u16 vlan);
/* An XDP program that passes everything, called "theirs"; by netlink, so that it outlives its fd.
 */
int attach_xdp_pass(enum place place, const char *name);

#endif
