// SPDX-License-Identifier: GPL-2.0-only
#include "service/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "load/attach.h"
#include "load/memory.h"
#include "service/endpoint.h"

/* It answers at once, but for an attach, which takes as long as the rules are long. */
#define PATIENCE_S 10

static int fail_answer(struct sl_diag *diag)
{
	return sl_fail(diag, EIO, "sluiced runs in this network namespace, but gives no answer");
}

static int converse(int fd, const char *verb, const char *device, json_t **ret_answer,
		    struct sl_diag *diag)
{
	SL_CLEANUP(sl_fclose) FILE *stream = fdopen(fd, "r");
	SL_CLEANUP(sl_free) char *line = NULL;
	json_t *answer, *mistake;
	size_t size = 0;

	if (!stream) {
		close(fd);
		return sl_fail_memory(diag);
	}
	if (dprintf(fd, "%s%s%s\n", verb, device ? " " : "", device ? device : "") < 0 ||
	    getline(&line, &size, stream) <= 0)
		return fail_answer(diag);
	answer = json_loads(line, 0, NULL);
	if (!answer)
		return fail_answer(diag);
	mistake = json_object_get(answer, "error");
	if (!mistake) {
		*ret_answer = answer;
		return 1;
	}
	sl_fail(diag, EPROTO, "%s", json_string_value(mistake) ?: "it failed, without a reason");
	json_decref(answer);
	return -EPROTO;
}

int sl_service_ask(const char *verb, const char *device, json_t **ret_answer, struct sl_diag *diag)
{
	const struct timeval patience = {.tv_sec = strcmp(verb, "attach") != 0 ? PATIENCE_S : 0};
	struct sl_endpoint endpoint;
	int fd = sl_endpoint_find(&endpoint, diag);

	if (fd < 0)
		return fd;
	fd = sl_endpoint_connect(&endpoint);
	if (fd == -ENOENT || fd == -ECONNREFUSED || fd == -EACCES) /* root's only */
		return 0;
	if (fd < 0)
		return fail_answer(diag);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return converse(fd, verb, device, ret_answer, diag);
}

json_t *sl_service_status(struct sl_diag *diag)
{
	json_t *status = NULL;

	diag->text[0] = '\0';
	return sl_service_ask("status", NULL, &status, diag) > 0 ? status : NULL;
}

static const char *text_of(const json_t *ward, const char *key)
{
	const char *text = json_string_value(json_object_get(ward, key));

	return text ? text : "";
}

static const json_t *find_by(const json_t *status, const char *key, const char *device)
{
	const json_t *ward;
	size_t i;

	json_array_foreach(json_object_get(status, "devices"), i,
			   ward) if (!strcmp(text_of(ward, key), device)) return ward;
	return NULL;
}

const json_t *sl_service_find(const json_t *status, const char *device)
{
	const json_t *ward = find_by(status, "device", device);

	return ward ? ward : find_by(status, "now", device);
}

static enum sl_attach_mode parse_mode(const char *name)
{
	for (int mode = SL_MODE_NATIVE; mode <= SL_MODE_GENERIC; mode++)
		if (!strcmp(name, sl_mode_name((enum sl_attach_mode)mode)))
			return (enum sl_attach_mode)mode;
	return SL_MODE_NONE;
}

/* How it is attached is the configuration's to say. */
static int refuse_options(const struct sl_child_wish *wish, const json_t *status,
			  struct sl_diag *diag)
{
	if (wish->mode == SL_WANT_AUTO && wish->memory_limit == SL_MEMORY_LIMIT && !wish->replaces)
		return 0;
	return sl_fail(diag, EPERM,
		       "sluiced (process %d) keeps %s, as %s says: set mode, memory and replace "
		       "there, and then `sluice reload`",
		       (int)json_integer_value(json_object_get(status, "pid")), wish->device,
		       text_of(status, "configuration"));
}

static int attach(const struct sl_child_wish *wish, const json_t *status,
		  struct sl_child_outcome *ret_outcome)
{
	struct sl_endpoint endpoint;
	json_t *answer;
	int error = refuse_options(wish, status, &ret_outcome->diag);

	if (!error)
		error = sl_endpoint_find(&endpoint, &ret_outcome->diag);
	if (error)
		return error;
	error = sl_service_ask("attach", wish->device, &answer, &ret_outcome->diag);
	if (error <= 0)
		return error ? error : fail_answer(&ret_outcome->diag);
	ret_outcome->mode = parse_mode(text_of(answer, "mode"));
	ret_outcome->net_cookie = endpoint.net_cookie;
	snprintf(ret_outcome->ladder, sizeof ret_outcome->ladder, "%s", text_of(answer, "ladder"));
	json_decref(answer);
	return 0;
}

bool sl_service_attach(const struct sl_child_wish *wish, struct sl_child_outcome *ret_outcome)
{
	struct sl_child_outcome outcome = {0};
	json_t *status = sl_service_status(&outcome.diag);
	bool is_its = status && sl_service_find(status, wish->device);

	if (is_its) {
		outcome.error = attach(wish, status, &outcome);
		*ret_outcome = outcome;
	}
	json_decref(status);
	return is_its;
}

json_t *sl_service_release(const char *device, struct sl_diag *diag)
{
	json_t *answer, *released = NULL;

	diag->text[0] = '\0';
	if (sl_service_ask("release", device, &answer, diag) <= 0)
		return NULL;
	released = json_incref(json_object_get(answer, "released"));
	json_decref(answer);
	if (json_array_size(released))
		return released;
	json_decref(released);
	return NULL;
}
