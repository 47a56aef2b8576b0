/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs of the dut, all inside this process: UDP and TCP services that answer
 * deterministically ("re:" and what they were sent), raw sockets that see every packet that INPUT
 * accepted, a DHCP listener, and clients that the script starts.
 *
 * Enters: a lab. Leaves: notes in a recorder of everything that the sockets were given.
 * Promised: never blocks; a datagram that starts with "re:" is not answered, so no loops.
 */
#ifndef SLUICE_PACKET_SERVICES_H
#define SLUICE_PACKET_SERVICES_H

#include "lab.h"
#include "record.h"
#include "source/host.h"

struct sl_services;

/* Opens all sockets in the lab's dut. */
int sl_services_open(const struct sl_lab *lab, struct sl_services **ret_services,
		     struct sl_diag *diag);
void sl_services_close(struct sl_services *services); /* NULL is fine */

/* Serves whatever is ready now. Returns how many sockets were, or a negative errno. */
int sl_services_serve(struct sl_services *services, struct sl_recorder *recorder);

struct sl_endpoint {
	struct sl_address address;
	u16 port;
};

enum sl_client_kind { SL_CLIENT_TCP, SL_CLIENT_UDP, SL_CLIENT_PING };

/*
 * The dut turns to somebody: connects and greets, sends a datagram, or an echo request (whose id
 * is the port). What comes of it is noted; also where the kernel refuses.
 */
int sl_services_start_client(struct sl_services *services, enum sl_client_kind kind,
			     const struct sl_endpoint *from, const struct sl_endpoint *to,
			     struct sl_recorder *recorder, struct sl_diag *diag);

#endif
