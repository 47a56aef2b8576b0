// SPDX-License-Identifier: GPL-2.0-only
#include "cli/pcapng.h"

#include <string.h>

enum block { SECTION_HEADER = 0x0a0d0d0a, INTERFACE = 1, ENHANCED_PACKET = 6 };
enum option {
	END = 0,
	COMMENT = 1,
	APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_DESCRIPTION = 3,
	TIME_RESOLUTION = 9,
	VERDICT = 7,
};
enum verdict_kind { VERDICT_TC = 1, VERDICT_XDP = 2 };

#define BYTE_ORDER_MAGIC  0x1a2b3c4d
#define LINKTYPE_ETHERNET 1
#define NANOSECONDS       9 /* 10^-9 */
#define XDP_DROP_VALUE    1
#define TC_SHOT_VALUE     2
/* Of type and length ahead, and the length again behind. */
#define FRAME_BYTES 12
/* The length of an option has 16 bits. */
#define TEXT_MAX 65535u

static u32 padded(u32 length)
{
	return (length + 3) & ~3u;
}

static void put_bytes(FILE *out, const void *bytes, u32 length)
{
	static const u8 zeros[4];

	fwrite(bytes, 1, length, out);
	fwrite(zeros, 1, padded(length) - length, out);
}

static void put_u32(FILE *out, u32 value)
{
	fwrite(&value, sizeof value, 1, out);
}

static void put_u16s(FILE *out, u16 first, u16 second)
{
	const u16 values[] = {first, second};

	fwrite(values, sizeof values, 1, out);
}

/* Every block begins and ends alike; `length` is what is between. */
static void begin_block(FILE *out, enum block type, u32 length)
{
	put_u32(out, type);
	put_u32(out, length + FRAME_BYTES);
}

static void end_block(FILE *out, u32 length)
{
	put_u32(out, length + FRAME_BYTES);
}

static u32 text_length(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	return length < TEXT_MAX ? (u32)length : TEXT_MAX;
}

/* What an option takes; one that is empty, none. */
static u32 option_bytes(u32 length)
{
	return length ? 4 + padded(length) : 0;
}

static void put_option(FILE *out, enum option option, const void *value, u32 length)
{
	if (!length)
		return;
	put_u16s(out, (u16)option, (u16)length);
	put_bytes(out, value, length);
}

static void put_text(FILE *out, enum option option, const char *text)
{
	put_option(out, option, text, text_length(text));
}

static void end_options(FILE *out)
{
	put_u16s(out, END, 0);
}

void sl_pcapng_begin(FILE *out, const char *application)
{
	u32 length = 16 + option_bytes(text_length(application)) + 4;

	begin_block(out, SECTION_HEADER, length);
	put_u32(out, BYTE_ORDER_MAGIC);
	put_u16s(out, 1, 0);      /* version 1.0 */
	put_u32(out, 0xffffffff); /* the section's length is not known, … */
	put_u32(out, 0xffffffff); /* … in 64 bits */
	put_text(out, APPLICATION, application);
	end_options(out);
	end_block(out, length);
}

void sl_pcapng_interface(FILE *out, const char *name, const char *description, u32 snap_length)
{
	static const u8 resolution = NANOSECONDS;
	u32 length = 8 + option_bytes(text_length(name)) + option_bytes(text_length(description)) +
		     option_bytes(sizeof resolution) + 4;

	begin_block(out, INTERFACE, length);
	put_u16s(out, LINKTYPE_ETHERNET, 0);
	put_u32(out, snap_length);
	put_text(out, INTERFACE_NAME, name);
	put_text(out, INTERFACE_DESCRIPTION, description);
	put_option(out, TIME_RESOLUTION, &resolution, sizeof resolution);
	end_options(out);
	end_block(out, length);
}

/* Who said so, and what the program returned, in 64 bits; its length, 0: nothing to say. */
static u32 verdict_of(enum sl_pcapng_verdict verdict, u8 ret_value[9])
{
	u64 value = verdict == SL_PCAPNG_XDP_DROP ? XDP_DROP_VALUE : TC_SHOT_VALUE;

	if (verdict == SL_PCAPNG_NO_VERDICT)
		return 0;
	ret_value[0] = verdict == SL_PCAPNG_XDP_DROP ? VERDICT_XDP : VERDICT_TC;
	memcpy(ret_value + 1, &value, sizeof value);
	return 1 + sizeof value;
}

void sl_pcapng_packet(FILE *out, const struct sl_pcapng_packet *packet)
{
	u8 verdict[9];
	u32 verdict_length = verdict_of(packet->verdict, verdict);
	u32 length = 20 + padded(packet->captured) + option_bytes(text_length(packet->comment)) +
		     option_bytes(verdict_length) + 4;

	begin_block(out, ENHANCED_PACKET, length);
	put_u32(out, packet->interface);
	put_u32(out, (u32)(packet->at_ns >> 32));
	put_u32(out, (u32)packet->at_ns);
	put_u32(out, packet->captured);
	put_u32(out, packet->length);
	put_bytes(out, packet->bytes, packet->captured);
	put_text(out, COMMENT, packet->comment);
	put_option(out, VERDICT, verdict, verdict_length);
	end_options(out);
	end_block(out, length);
}
