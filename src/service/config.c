/* SPDX-License-Identifier: GPL-2.0-only */
#include "service/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "load/memory.h"

#define LINE_SIZE   1024
#define DEVICES_MAX 1024
#define BLANKS      " \t\r\n"

/* A setting of a section. `set` works on the section that was begun last. */
struct setting {
	const char *name;
	bool (*set)(struct sl_config *config, const char *value);
	const char *expected;
};

struct section {
	const char *name;
	const struct setting *settings;
	u32 count;
};

struct reader {
	const char *path;
	u32 line;
	struct sl_config config;
	const struct section *section; /* NULL ahead of the first */
	u32 given;                     /* its settings so far, a bit each */
	u32 service_line;              /* where [service] is; 0: nowhere yet */
	struct sl_diag *diag;
};

/* Settings */

static struct sl_device_config *last_device(struct sl_config *config)
{
	return &config->devices[config->count - 1];
}

static bool set_mode(struct sl_config *config, const char *value)
{
	return sl_wanted_mode_parse(value, &last_device(config)->mode);
}

static bool set_memory(struct sl_config *config, const char *value)
{
	return sl_memory_parse(value, &last_device(config)->memory_limit);
}

/* One of two words, the first of which is false. */
static bool set_choice(bool *choice, const char *value, const char *off, const char *on)
{
	*choice = !strcmp(value, on);
	return *choice || !strcmp(value, off);
}

static bool set_replace(struct sl_config *config, const char *value)
{
	return set_choice(&last_device(config)->replaces, value, "no", "yes");
}

static bool set_on_stop(struct sl_config *config, const char *value)
{
	return set_choice(&config->detaches_on_stop, value, "keep", "detach");
}

static const struct setting device_settings[] = {
	{"mode", set_mode, "auto, native, tc, generic or offload"},
	{"memory", set_memory, "a size like 64M"},
	{"replace", set_replace, "yes or no"},
};

static const struct setting service_settings[] = {
	{"on-stop", set_on_stop, "keep or detach"},
};

static const struct section device_section = {"[device]", device_settings,
					      SL_ARRAY_SIZE(device_settings)};
static const struct section service_section = {"[service]", service_settings,
					       SL_ARRAY_SIZE(service_settings)};

/* Mistakes */

__attribute__((format(printf, 2, 3))) static int refuse(const struct reader *reader,
							const char *format, ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	return sl_fail(reader->diag, EINVAL, "%s:%u: %s", reader->path, reader->line, what);
}

static int refuse_name(const struct reader *reader, const char *name)
{
	const struct section *section = reader->section;
	char known[128] = "", *end = known;

	for (u32 i = 0; i < section->count; i++)
		end += snprintf(end, (size_t)(known + sizeof known - end), "%s%s", i ? ", " : "",
				section->settings[i].name);
	return refuse(reader, "%s has no setting \"%.64s\"; expected: %s", section->name, name,
		      known);
}

/* Lines */

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, BLANKS);
	length = strlen(text);
	while (length && strchr(BLANKS, text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* As the kernel takes them. */
static bool is_device_name(const char *name)
{
	return *name && strlen(name) < IF_NAMESIZE && !strpbrk(name, "/:\v\f" BLANKS) &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int begin_device(struct reader *reader, const char *name)
{
	struct sl_config *config = &reader->config;
	const struct sl_device_config *before = sl_config_find(config, name);
	struct sl_device_config *devices;

	if (!is_device_name(name))
		return refuse(reader,
			      "\"%.64s\" cannot be a device's name; expected: 1 to 15 characters, "
			      "no blank, colon or slash",
			      name);
	if (before)
		return refuse(reader, "device %s has a section in line %u already", name,
			      before->line);
	if (config->count == DEVICES_MAX)
		return refuse(reader, "more than %u devices", DEVICES_MAX);
	devices = realloc(config->devices, (config->count + 1) * sizeof *devices);
	if (!devices)
		return sl_fail_memory(reader->diag);
	config->devices = devices;
	devices[config->count] =
		(struct sl_device_config){.line = reader->line, .memory_limit = SL_MEMORY_LIMIT};
	memcpy(devices[config->count++].device, name, strlen(name)); /* is_device_name() */
	reader->section = &device_section;
	return 0;
}

static int begin_service(struct reader *reader)
{
	if (reader->service_line)
		return refuse(reader, "[service] stands in line %u already", reader->service_line);
	reader->service_line = reader->line;
	reader->section = &service_section;
	return 0;
}

/* "[device eth0]", "[service]" */
static int take_section(struct reader *reader, char *text)
{
	size_t length = strlen(text), word;
	char *name;

	if (text[length - 1] != ']')
		return refuse(reader, "no \"]\" ends the section's name");
	text[length - 1] = '\0';
	text = trim(text + 1);
	word = strcspn(text, BLANKS);
	name = trim(text + word);
	reader->given = 0;
	if (word == strlen("device") && !strncmp(text, "device", word))
		return begin_device(reader, name);
	if (!strcmp(text, "service"))
		return begin_service(reader);
	return refuse(reader, "no section [%.64s]; expected: [device NAME] or [service]", text);
}

static int apply(struct reader *reader, u32 index, const char *value)
{
	const struct setting *setting = &reader->section->settings[index];

	if (reader->given & 1u << index)
		return refuse(reader, "%s is set twice in this section", setting->name);
	reader->given |= 1u << index;
	if (!setting->set(&reader->config, value))
		return refuse(reader, "%s = \"%.64s\"; expected: %s", setting->name, value,
			      setting->expected);
	return 0;
}

/* "mode = native" */
static int take_setting(struct reader *reader, char *text)
{
	char *equals = strchr(text, '='), *name;

	if (!equals)
		return refuse(reader, "\"%.64s\"; expected: [SECTION], or NAME = VALUE", text);
	*equals = '\0';
	name = trim(text);
	if (!reader->section)
		return refuse(reader, "\"%.64s\" stands in no section; expected: [device NAME]",
			      name);
	for (u32 i = 0; i < reader->section->count; i++)
		if (!strcmp(name, reader->section->settings[i].name))
			return apply(reader, i, trim(equals + 1));
	return refuse_name(reader, name);
}

static int take_line(struct reader *reader, char *line)
{
	char *text = trim(line);

	if (!*text || *text == '#' || *text == ';')
		return 0;
	return *text == '[' ? take_section(reader, text) : take_setting(reader, text);
}

static int read_lines(struct reader *reader, FILE *file)
{
	char line[LINE_SIZE];
	int error = 0;

	while (!error && fgets(line, sizeof line, file)) {
		reader->line++;
		if (!strchr(line, '\n') && !feof(file))
			return refuse(reader, "longer than %d bytes, or no text", LINE_SIZE - 2);
		error = take_line(reader, line);
	}
	if (!error && ferror(file))
		error = sl_fail(reader->diag, errno, "cannot read %s: %s", reader->path,
				strerror(errno));
	return error;
}

int sl_config_read(const char *path, struct sl_config *ret_config, struct sl_diag *diag)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");
	struct reader reader = {.path = path, .diag = diag};
	int error;

	if (!file)
		return sl_fail(diag, errno, "cannot open the configuration %s: %s", path,
			       strerror(errno));
	error = read_lines(&reader, file);
	if (error) {
		sl_config_free(&reader.config);
		return error;
	}
	*ret_config = reader.config;
	return 0;
}

void sl_config_free(struct sl_config *config)
{
	free(config->devices);
	*config = (struct sl_config){0};
}

const struct sl_device_config *sl_config_find(const struct sl_config *config, const char *device)
{
	for (u32 i = 0; i < config->count; i++)
		if (!strcmp(config->devices[i].device, device))
			return &config->devices[i];
	return NULL;
}
