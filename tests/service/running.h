/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A real sluiced on the lab's host, with a configuration of its own; it ends with the case.
 */
#ifndef SLUICE_TESTS_SERVICE_RUNNING_H
#define SLUICE_TESTS_SERVICE_RUNNING_H

#include <sys/types.h>

#include "../netns/frame.h"

extern char config_path[64];

void write_config(const char *text);
extern const char config[];           /* keeps the lab's device */
void start_service(const char *text); /* … and waits until it answers; NULL: as it is written */
void start_protected(void);           /* `config` with rules; proves early drops */
void stop_service(void);              /* by SIGTERM; expects it to end well */
void kill_service(void);              /* by SIGKILL; its keepers end by themselves */
pid_t service_pid(void);
extern const char *service_program; /* to start instead of the sluiced beside `sluice`, if any */

/* One question on its control socket; the answer is in `output`. False: there was none. */
bool ask(const char *question);
int connect_control(void);
bool is_state(const char *state); /* of its one device */
/* Whether it is attached and fresh, by sluiced. */
bool is_protected(void);

u32 count_files(pid_t pid);
/* Of both processes, when they have come to rest: netfilter's hooks come behind the device. */
u32 count_open_files(void);
u32 count_pins(void);
u32 own_memory(pid_t pid); /* kB; of no use where it is sanitized, which keeps what is freed */
extern const bool is_sanitized;
/* What is in the kernel of it is held by pins, and by open files. */
void expect_nothing_left(void);

#endif
