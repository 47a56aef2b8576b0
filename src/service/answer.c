// SPDX-License-Identifier: GPL-2.0-only
/* What sluiced answers on its control socket (endpoint.h). */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/attach.h"
#include "service/service.h"

/* As a line; takes the document over. */
static char *write_line(json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT), *line = NULL;

	json_decref(document);
	if (asprintf(&line, "%s\n", text ? text : "{\"error\":\"out of memory\"}") < 0)
		line = NULL;
	free(text);
	return line;
}

static json_t *text_or_null(const char *text)
{
	json_t *string = *text ? json_string(text) : NULL;

	return string ? string : json_null();
}

__attribute__((format(printf, 1, 2))) static json_t *refusal(const char *format, ...)
{
	char text[2200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return json_pack("{s:o}", "error", text_or_null(text));
}

static json_t *describe(const struct sl_ward *ward)
{
	u64 now_ns = sl_monotonic_ns();
	u64 wait_ns = ward->due_ns > now_ns ? ward->due_ns - now_ns : 0;

	return json_pack("{s:o, s:o, s:s, s:b, s:i, s:s, s:o, s:f}", "device",
			 text_or_null(ward->config.device), "now", text_or_null(ward->device),
			 "state", sl_ward_state_name(ward), "present",
			 if_nametoindex(ward->device) != 0, "keeper", (int)ward->keeper, "mode",
			 sl_mode_name(ward->state == SL_WARD_KEPT ? ward->mode : SL_MODE_NONE),
			 "why", text_or_null(ward->why), "retry_seconds",
			 ward->state == SL_WARD_RETRYING ? (double)wait_ns / 1e9 : 0.0);
}

static json_t *report(const struct sl_service *service)
{
	json_t *devices = json_array();

	for (u32 i = 0; i < service->count; i++)
		json_array_append_new(devices, describe(service->wards[i]));
	return json_pack("{s:i, s:o, s:o}", "pid", (int)getpid(), "configuration",
			 text_or_null(service->config_path), "devices", devices);
}

static json_t *reload(struct sl_service *service)
{
	struct sl_diag diag = {0};

	if (sl_service_reload(service, &diag))
		return refusal("%s; the configuration stays as it was", diag.text);
	return json_pack("{s:b}", "reloaded", 1);
}

static bool is_busy(const struct sl_ward *ward)
{
	return ward->state == SL_WARD_STARTING || ward->state == SL_WARD_ENDING;
}

static json_t *attached(const struct sl_ward *ward)
{
	switch (ward->state) {
	case SL_WARD_KEPT:
		return json_pack("{s:s, s:o}", "mode", sl_mode_name(ward->mode), "ladder",
				 text_or_null(ward->ladder));
	case SL_WARD_WAITING:
		return refusal("no device %s in this network namespace; sluiced attaches to it "
			       "as soon as there is one",
			       ward->config.device);
	default:
		return refusal("%s", ward->why[0] ? ward->why : "it was let go meanwhile");
	}
}

/* NULL: not yet. */
static json_t *attach(struct sl_service *service, const char *device, bool is_new)
{
	struct sl_ward *ward = sl_service_find(service, device);

	if (!ward)
		return refusal("%s is not in %s", device, service->config_path);
	if (is_new && ward->state == SL_WARD_KEPT)
		return refusal("sluiced (process %d) already keeps %s in step", (int)getpid(),
			       device);
	if (is_new)
		sl_ward_attach(ward);
	return is_busy(ward) ? NULL : attached(ward);
}

/* `device` "": all. NULL: not yet. */
static json_t *let_go(struct sl_service *service, const char *device, bool is_new)
{
	const struct sl_ward *only = *device ? sl_service_find(service, device) : NULL;
	json_t *released = json_array();
	bool busy = false;

	for (u32 i = 0; i < service->count; i++) {
		struct sl_ward *ward = service->wards[i];

		if (*device && ward != only)
			continue;
		if (is_new)
			sl_ward_let_go(ward, SL_WARD_OFF, false);
		busy |= ward->state == SL_WARD_ENDING;
		json_array_append_new(released, text_or_null(ward->device));
	}
	if (!busy)
		return json_pack("{s:o}", "released", released);
	json_decref(released);
	return NULL;
}

static json_t *answer(struct sl_service *service, const char *verb, const char *device, bool is_new)
{
	if (service->is_ending)
		return refusal("sluiced is about to end");
	if (!strcmp(verb, "status"))
		return report(service);
	if (!strcmp(verb, "reload"))
		return reload(service);
	if (!strcmp(verb, "attach"))
		return attach(service, device, is_new);
	if (!strcmp(verb, "release"))
		return let_go(service, device, is_new);
	return refusal("no such request; expected: status, reload, attach DEVICE or release");
}

char *sl_service_answer(void *context, const char *line, bool is_new)
{
	size_t word = strcspn(line, " ");
	char verb[16];
	json_t *document;

	snprintf(verb, sizeof verb, "%.*s", word < sizeof verb ? (int)word : 0, line);
	document = answer(context, verb, line[word] ? line + word + 1 : "", is_new);
	return document ? write_line(document) : NULL;
}
