/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One laboratory: network namespaces and devices, always built the same way.
 *
 *	  peer: peer0 ─── in0 :dut: out0 ─── back0 :back        guest: macvlan on in0 (a variant)
 *
 * peer, back and guest have no IP stack of their own (no addresses): what they send is made by
 * the script or by a stateless responder, so that only the dut's behaviour can differ between
 * two labs. The dut is a real host with real sockets.
 *
 * Enters: a configuration. Leaves: namespaces held only by file descriptors, nothing named.
 * Promised: two labs of the same configuration have the same addresses, MACs, interface indices
 * and settings; whatever happens to this process, nothing stays behind.
 */
#ifndef SLUICE_PACKET_LAB_H
#define SLUICE_PACKET_LAB_H

#include <stddef.h>
#include <sys/types.h>

#include "base/diag.h"
#include "random.h"

struct sl_lab_config {
	bool forwards_ip, forwards_ip6;
	u8 rp_filter;
	bool accepts_source_route;
	bool sends_redirects;
	bool ignores_broadcast_echo;
	bool tracks_loosely; /* nf_conntrack_tcp_loose */
	bool has_guest;
	u32 out_mtu;
};

/* Its fields one by one, for those who write, read or try them. */
struct sl_lab_setting {
	const char *name;
	size_t offset, size;
};
extern const struct sl_lab_setting sl_lab_settings[];
extern const u32 sl_lab_setting_count;
u32 sl_lab_get_setting(const struct sl_lab_config *config, u32 setting);
void sl_lab_put_setting(struct sl_lab_config *config, u32 setting, u32 value);

enum sl_place { SL_PEER, SL_DUT, SL_BACK, SL_GUEST, SL_PLACE_COUNT };

struct sl_lab {
	int namespaces[SL_PLACE_COUNT], home;
	bool lasts; /* for many scripts: what the kernel rations by the clock tells nothing */
	bool has_guest;
	/* Packet sockets on the links: what arrives at the hosts around the dut. */
	int peer_socket, back_socket, guest_socket;
	/* They see nothing but marker frames arriving at in0 and out0. */
	int in_markers, out_markers;
	/* A process in the dut, as hosts have them: sluice leaves a namespace that all others have.
	 */
	pid_t inhabitant;
	/* The last link: the dut's DHCP listener, a packet socket as dhclient has it. */
	int dhcp_socket;
};

#define SL_LAB_NONE                                                                                \
	{                                                                                          \
		.namespaces = {-1, -1, -1, -1}, .home = -1, .peer_socket = -1, .back_socket = -1,  \
		.guest_socket = -1, .in_markers = -1, .out_markers = -1, .dhcp_socket = -1         \
	}

struct sl_lab_config sl_lab_config_draw(struct sl_random *random);

/* `ret_lab` is to be closed whatever comes back. */
int sl_lab_open(const struct sl_lab_config *config, struct sl_lab *ret_lab, struct sl_diag *diag);
void sl_lab_close(struct sl_lab *lab); /* SL_LAB_NONE is fine */

/* Moves the calling thread into a namespace of the lab, and home. */
int sl_lab_enter(const struct sl_lab *lab, enum sl_place place, struct sl_diag *diag);
void sl_lab_leave(const struct sl_lab *lab);

/*
 * Runs a program in one of the lab's namespaces, at most ten seconds long. `input` (or NULL) is
 * its standard input; `ret_output` (or NULL) its standard output, to be freed. Fails with its
 * standard error in `diag` when it does not exit with 0.
 */
int sl_lab_run(const struct sl_lab *lab, enum sl_place place, const char *const argv[],
	       const char *input, char **ret_output, struct sl_diag *diag);

/* Frames that XDP dropped on in0 in the driver, as the driver itself counts them. */
int sl_lab_count_xdp_drops(const struct sl_lab *lab, u64 *ret_drops, struct sl_diag *diag);

/*
 * The dut's connection tracking table without what depends on time, sorted; to be freed. It counts
 * each connection's packets, so that an early drop of one of them, which would not refresh the
 * connection's timer, is a difference.
 */
int sl_lab_read_conntrack(const struct sl_lab *lab, char **ret_text, struct sl_diag *diag);

#endif
