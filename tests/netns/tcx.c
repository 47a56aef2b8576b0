// SPDX-License-Identifier: GPL-2.0-only
#include "tcx.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>

/* Since Linux 6.6; younger than Debian 12's headers. */
#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS  ((enum bpf_attach_type)47)
#define TCX_NEXT    (-1)

#define MOVE(to, value)                                                                            \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (s32)(value)          \
	}
#define CALL(function)                                                                             \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = (function)                                      \
	}
#define EXIT                                                                                       \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}

static int load_program(enum bpf_prog_type type, const struct bpf_insn *insns, size_t count)
{
	int fd = bpf_prog_load(type, "theirs", "GPL", insns, count, NULL);

	expect(fd >= 0, "cannot load a program: %s", strerror(errno));
	return fd;
}

static int attach_tcx(const char *name, enum bpf_attach_type type, int program)
{
	int link = bpf_link_create(program, (int)if_nametoindex(name), type, NULL);

	if (link < 0 && errno == EINVAL)
		skip_case("this kernel has no TCX");
	expect(link >= 0, "cannot attach a program to %s: %s", name, strerror(errno));
	return link;
}

int attach_redirect(enum place place, const char *name, const char *to)
{
	enter(place);

	const struct bpf_insn insns[] = {
		MOVE(BPF_REG_1, if_nametoindex(to)),
		MOVE(BPF_REG_2, 0),
		CALL(BPF_FUNC_redirect),
		EXIT,
	};

	return attach_tcx(name, TCX_INGRESS,
			  load_program(BPF_PROG_TYPE_SCHED_CLS, insns, SL_ARRAY_SIZE(insns)));
}

int attach_vlan_push(enum place place, const char *name, u16 vlan)
{
	const struct bpf_insn insns[] = {
		MOVE(BPF_REG_2, htons(ETH_P_8021Q)),
		MOVE(BPF_REG_3, vlan),
		CALL(BPF_FUNC_skb_vlan_push),
		MOVE(BPF_REG_0, TCX_NEXT),
		EXIT,
	};

	enter(place);
	return attach_tcx(name, TCX_EGRESS,
			  load_program(BPF_PROG_TYPE_SCHED_CLS, insns, SL_ARRAY_SIZE(insns)));
}

int attach_xdp_pass(enum place place, const char *name)
{
	const struct bpf_insn insns[] = {MOVE(BPF_REG_0, XDP_PASS), EXIT};
	int program = load_program(BPF_PROG_TYPE_XDP, insns, SL_ARRAY_SIZE(insns));

	enter(place);
	expect(!bpf_xdp_attach((int)if_nametoindex(name), program, XDP_FLAGS_DRV_MODE, NULL),
	       "cannot attach an XDP program to %s: %s", name, strerror(errno));
	return program;
}
