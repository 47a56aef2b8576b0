// SPDX-License-Identifier: GPL-2.0-only
/* The schema is docs/json.md. */
#include <jansson.h>

#include "cli/monitor.h"
#include "cli/names.h"
#include "load/attach.h"

/* One line, for those who read a stream. */
static int write_line(json_t *object)
{
	if (!object)
		return -1;
	json_dumpf(object, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(object);
	return 0;
}

static double seconds(u64 at_ns)
{
	return (double)at_ns / 1e9;
}

static const char *answer_name(enum sl_monitor_answer answer)
{
	static const char *const names[] = {
		[SL_ANSWER_FOUND] = NULL,
		[SL_ANSWER_CHANGED] = "the rules have changed since",
		[SL_ANSWER_UNKNOWN] = "a rule asks more than the packet tells",
	};

	return names[answer];
}

int sl_monitor_write_drop(const struct sl_monitor_drop *drop)
{
	const struct sl_sample *sample = drop->sample;
	json_t *decider =
		drop->answer == SL_ANSWER_FOUND ? sl_decider_describe(&drop->decider) : json_null();

	return write_line(json_pack("{s:s, s:f, s:o, s:s, s:s, s:i, s:i, s:o, s:o, s:s?}", "event",
				    "drop", "time", seconds(drop->at_ns), "device",
				    sl_json_text(drop->device), "at",
				    sl_monitor_place_name(sample->place), "verdict", "drop",
				    "every", (int)sample->every, "length", (int)drop->frame.length,
				    "packet", sl_json_text(drop->packet), "decided_by", decider,
				    "not_known_because", answer_name(drop->answer)));
}

int sl_monitor_write_event(u64 at_ns, const char *device, enum sl_monitor_event event,
			   const struct sl_monitor_state *before,
			   const struct sl_monitor_state *now)
{
	json_t *object = json_pack("{s:s, s:f, s:o}", "event", sl_monitor_event_name(event), "time",
				   seconds(at_ns), "device", sl_json_text(device));

	if (!object)
		return -1;
	if (event == SL_EVENT_LOST)
		json_object_set_new(object, "samples",
				    json_integer((json_int_t)(now->lost - before->lost)));
	if (!now->is_attached)
		return write_line(object);
	json_object_set_new(object, "mode",
			    json_string(sl_mode_name((enum sl_attach_mode)now->mode)));
	json_object_set_new(object, "fresh", json_boolean(now->is_fresh));
	json_object_set_new(object, "keeper", json_integer(now->keeper));
	json_object_set_new(object, "generation", json_integer((json_int_t)now->generations));
	json_object_set_new(object, "rules", json_integer(now->rules));
	return write_line(object);
}
