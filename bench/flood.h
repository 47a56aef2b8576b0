/* SPDX-License-Identifier: GPL-2.0-only */
/* What user space tells the flood program, and what it counts back. */
#ifndef SLUICE_BENCH_FLOOD_H
#define SLUICE_BENCH_FLOOD_H

/* One crowd of senders; every field in host byte order. */
struct swarm {
	unsigned int first_source, sources; /* addresses, cycled through in a scattered order */
	unsigned int first_port, ports;     /* destination ports, likewise */
};

#define SWARMS_MAX 4

#endif
