// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli/monitor.h"
#include "cli/names.h"
#include "load/attach.h"

#define NS_PER_S 1000000000ULL

static void print_time(u64 at_ns)
{
	time_t seconds = (time_t)(at_ns / NS_PER_S);
	char text[32] = "";
	struct tm local;

	if (localtime_r(&seconds, &local))
		strftime(text, sizeof text, "%F %T", &local);
	printf("%s.%06u ", text, (unsigned int)(at_ns % NS_PER_S / 1000));
}

const char *sl_monitor_place_name(enum sl_sample_place place)
{
	static const char *const names[] = {"xdp", "tc", "netfilter"};

	return (u32)place < SL_ARRAY_SIZE(names) ? names[place] : "?";
}

void sl_monitor_print_cause(const struct sl_monitor_drop *drop, FILE *out)
{
	switch (drop->answer) {
	case SL_ANSWER_FOUND:
		sl_decider_print(&drop->decider, out);
		return;
	case SL_ANSWER_CHANGED:
		fprintf(out, "rules that have changed since");
		return;
	case SL_ANSWER_UNKNOWN:
		fprintf(out, "a rule that asks more than the packet tells");
		return;
	}
}

void sl_monitor_print_drop(const struct sl_monitor_drop *drop)
{
	print_time(drop->at_ns);
	sl_print_name(drop->device);
	printf(" %s drop by ", sl_monitor_place_name(drop->sample->place));
	sl_monitor_print_cause(drop, stdout);
	printf(": ");
	sl_print_name(drop->packet);
	printf("\n");
}

static void print_rules(const struct sl_monitor_state *now)
{
	printf("rules: generation %" PRIu64 ", %u of them, read in %u ms, running %u ms later",
	       now->generations, now->rules, now->read_ms, now->made_ms);
}

void sl_monitor_print_event(u64 at_ns, const char *device, enum sl_monitor_event event,
			    const struct sl_monitor_state *before,
			    const struct sl_monitor_state *now)
{
	print_time(at_ns);
	sl_print_name(device);
	printf(" ");
	switch (event) {
	case SL_EVENT_RULES:
		print_rules(now);
		break;
	case SL_EVENT_ATTACHED:
		printf("attached: %s", sl_mode_name((enum sl_attach_mode)now->mode));
		break;
	case SL_EVENT_GONE:
		printf("gone: there is no such device any more");
		break;
	case SL_EVENT_STALE:
		printf("stale: everything passes to the kernel's own rules");
		break;
	case SL_EVENT_KEPT:
		printf("kept: by process %d", (int)now->keeper);
		break;
	case SL_EVENT_UNKEPT:
		printf("unkept: no process follows the next change");
		break;
	case SL_EVENT_LOST:
		printf("lost: %" PRIu64 " samples, for want of room or time",
		       now->lost - before->lost);
		break;
	default:
		printf("%s", sl_monitor_event_name(event));
	}
	printf("\n");
}
