/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A laboratory for tests against the kernel: a host with rules, and a wire to send it packets.
 *
 *	ON_WIRE               ON_HOST                     ON_BACK
 *	wire0 ─────────────── dut0   back0 ────────────── far0
 *	10.77.0.2, fd77::2    10.77.0.1, fd77::1          10.88.0.2, fd88::2
 *	02:00:00:00:00:02     02:00:00:00:00:01, and 10.88.0.1, fd88::1
 *
 * Enters: a table of cases. Leaves: a line for each, and the exit status.
 * Promised: each case runs in a process and in unnamed network namespaces of its own, which go
 * with it; whatever it attached is detached. Nothing else of the machine is touched.
 *
 * A case is a function that returns when all went well. expect() and skip_case() leave it early.
 */
#ifndef SLUICE_TESTS_NETNS_LAB_H
#define SLUICE_TESTS_NETNS_LAB_H

#include <sys/types.h>

#include "base/types.h"
#include "state.h"

struct lab_case {
	const char *name;
	void (*run)(void);
};

/* argv[1] is the sluice to test. Returns the exit status: 0, 1, or 77 if all were skipped. */
int lab_main(int argc, char **argv, const struct lab_case *cases, size_t count);

/* Called when the case ends, however it does, before what it attached is detached. */
void at_end(void (*function)(void));

__attribute__((format(printf, 1, 2), noreturn)) void fail_case(const char *format, ...);
__attribute__((format(printf, 1, 2), noreturn)) void skip_case(const char *format, ...);
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);
#define expect(condition, ...)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail_case(__VA_ARGS__);                                                    \
	} while (0)

/* Places */

enum place { ON_HOST, ON_WIRE, ON_BACK, ELSEWHERE, PLACES };

void build_lab(void);           /* host and wire */
void build_back(void);          /* the server behind, with forwarding on */
void remake_device(void);       /* dut0 and its wire, after `ip link del dut0` */
void build_elsewhere(void);     /* an empty network namespace */
void enter(enum place place);   /* all that follows in this process happens there */
int place_fd(enum place place); /* the namespace, borrowed */

/* The device under test: "dut0", until it is renamed. */
extern char device[16];

/* Shell commands. run() expects success; attempt() returns the exit status and keeps the output. */
__attribute__((format(printf, 2, 3))) void run(enum place place, const char *format, ...);
__attribute__((format(printf, 2, 3))) int attempt(enum place place, const char *format, ...);
extern char output[8192]; /* of the last attempt(), both streams */

void set_sysctl(enum place place, const char *path, const char *value);

/* Rules of the host */

void load_nft(const char *text);                           /* nft -f */
int try_nft(const char *text);                             /* its exit status */
void load_iptables(const char *command, const char *text); /* COMMAND < text */

/* An input chain that drops what goes to CLOSED_PORT; the second binds its rule to dut0's index. */
extern const char drop_closed[], drop_closed_by_index[];

/* sluice, on the host */

extern const char *sluice;
void attach(void);                             /* … and waits until it is fresh */
void attach_mode(const char *mode);            /* fails unless that is the mode */
void expect_mode(const char *mode);            /* that it is attached in */
void attach_and_die(const char *mode, u32 ms); /* its process group is killed after so long */
void detach(void);
bool is_attached(void);
bool is_fresh(void); /* as of now, by the kernel's own state */
void settle(void);   /* waits until it is fresh; fails after seconds */
pid_t keeper(void);  /* 0 without one */
u64 fate_packets(enum sl_fate_count fate);
u64 early_drops(void);
u64 compiles(void);   /* generations that were attached */
u64 net_cookie(void); /* the host's */

/*
 * Every ruleset of these tests drops UDP to this port. It proves that packets are dropped early in
 * the set-up at hand; without that, most traps would be missed for nothing.
 */
#define CLOSED_PORT 9
#define OPEN_PORT   5000
void prove_early_drops(void);
bool drops_early(void); /* the same question */

void start_lab(void); /* host and wire, with drop_closed, attached and proved */
void expect_no_early_drops(const char *why);

/* Sockets */

int listen_udp(enum place place, u16 port);
int listen_tcp(enum place place, u16 port);
int connect_tcp(enum place place, const char *address, u16 port); /* −errno after a second */
int open_udp(enum place place, const char *address, u16 port);    /* connected */
int open_icmp(enum place place, int family);                      /* hears all ICMP that arrives */
int open_tap(enum place place, const char *name); /* a packet socket: all that is received */

bool arrives(int fd);                      /* a datagram does, within a second; it is taken */
bool stays_silent(int fd);                 /* none does for a while */
bool hears(int icmp_fd, u8 type, u8 code); /* this one does, within a second or so */
bool sees_port(int tap,
	       u16 port); /* a UDP or TCP packet to this port is among what the tap hears */
void drain(int fd);
void pause_ms(u32 ms);
/* veth's receiver runs where its sender does, and bpf/batch.h's notes are the CPU's own. */
void stay_on_this_cpu(void);
u64 monotonic_ms(void);

/* How many times longer than here things may take: SLUICE_PATIENCE, which slow guests set. */
u32 patience(void);

/* True within `seconds`. */
#define eventually(condition, seconds)                                                             \
	({                                                                                         \
		u64 until_ms = monotonic_ms() + (u64)((seconds)*1000 * patience());                \
		bool holds;                                                                        \
		while (!(holds = (condition)) && monotonic_ms() < until_ms)                        \
			pause_ms(5);                                                               \
		holds;                                                                             \
	})

#endif
