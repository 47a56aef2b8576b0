/* SPDX-License-Identifier: GPL-2.0-only */
/* What is attached in this network namespace, read from its pins; whoever attached it. */
#ifndef SLUICE_LIB_ATTACHMENTS_H
#define SLUICE_LIB_ATTACHMENTS_H

#include <net/if.h>
#include <sys/types.h>

#include "base/diag.h"
#include "info.h"
#include "known.h"
#include "state.h"

struct sl_attachment {
	struct sl_info info;     /* mode SL_MODE_NONE: half attached, only good to detach */
	bool is_alive;           /* the link or filter is on a device */
	char place[IF_NAMESIZE]; /* that device, where it is not its own but below it; else "" */
	bool is_fresh;           /* what it assumes of the kernel is so */
	bool may_relate;         /* to it, a packet of no connection may be RELATED */
	bool is_kept;            /* its keeper runs */
	pid_t keeper;
	u32 confirm_ms;            /* left for `sluice confirm`; 0: nobody waits for that */
	enum sl_known_state known; /* the filter of known connections (known.h) */
	struct sl_count fates[SL_FATE_COUNTS]; /* of all generations */
	struct sl_rule_entry *rules; /* early counts of all generations, by counter; malloc'd */
	u32 rule_count;
};

struct sl_attachments {
	u64 net_cookie;
	struct sl_attachment *items; /* malloc'd */
	u32 count;
};

/* All of them, or one device's. An attachment of another ABI version is refused with a message. */
int sl_attachments_read(const char *device, struct sl_attachments *ret_attachments,
			struct sl_diag *diag);

/* The same, looked at with an observer that is there already. */
struct sl_observer;
int sl_attachments_look(struct sl_observer *observer, const char *device,
			struct sl_attachments *ret_attachments, struct sl_diag *diag);

/* For how long it has not been fresh; 0 while it is. */
double sl_attachment_stale_seconds(const struct sl_attachment *attachment);

/* The id of the program that runs now; 0 where there is none. */
u32 sl_attachment_program(const struct sl_attachments *attachments,
			  const struct sl_attachment *attachment);
void sl_attachments_free(struct sl_attachments *attachments);

#endif
