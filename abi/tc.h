/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where sluice's own filter stands at TC ingress, on kernels without TCX. Others that find room for
 * theirs by themselves start at 49152 and go down, so they never meet it, and come first.
 */
#ifndef SLUICE_ABI_TC_H
#define SLUICE_ABI_TC_H

#define SL_TC_PRIORITY 49374 /* 0xc0de; "pref" to tc */
#define SL_TC_HANDLE   1
/* The programs' names in bpf/sluice.bpf.c: in earnest, and audited. */
#define SL_TC_PROGRAM       "sluice_tc"
#define SL_TC_AUDIT_PROGRAM "sluice_tc_audit"

#endif
