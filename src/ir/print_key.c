// SPDX-License-Identifier: GPL-2.0-only
/* Names, values and keys: what bytes mean by the place that they were taken from. */
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <string.h>

#include "ir/print_parts.h"
#include "ir/tcp_option.h"

/* Names come from the kernel, but a terminal must survive whatever they hold. */
void sl_print_text(const char *name, FILE *out)
{
	for (; *name; name++) {
		if (isprint((unsigned char)*name) && *name != '"' && *name != '\\')
			fputc(*name, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*name);
	}
}

void sl_print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	sl_print_text(text, out);
	fputc('"', out);
}

/* Values */

typedef void value_fn(const u8 *bytes, u32 length, FILE *out);

void sl_print_hex(const u8 *bytes, u32 length, FILE *out)
{
	fputs("0x", out);
	for (u32 i = 0; i < length; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void print_be(const u8 *bytes, u32 length, FILE *out)
{
	u64 number = 0;

	for (u32 i = 0; i < length; i++)
		number = number << 8 | bytes[i];
	fprintf(out, "%" PRIu64, number);
}

static void print_host(const u8 *bytes, u32 length, FILE *out)
{
	u16 half;
	u32 word;

	if (length == 2) {
		memcpy(&half, bytes, 2);
		fprintf(out, "%u", half);
	} else if (length == 4) {
		memcpy(&word, bytes, 4);
		fprintf(out, "%u", word);
	} else {
		sl_print_hex(bytes, length, out);
	}
}

static void print_ip(const u8 *bytes, u32 length, FILE *out)
{
	char text[INET_ADDRSTRLEN];

	(void)length;
	fputs(inet_ntop(AF_INET, bytes, text, sizeof text), out);
}

static void print_ip6(const u8 *bytes, u32 length, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	(void)length;
	fputs(inet_ntop(AF_INET6, bytes, text, sizeof text), out);
}

void sl_print_address(const u8 *bytes, bool is_ip6, FILE *out)
{
	(is_ip6 ? print_ip6 : print_ip)(bytes, is_ip6 ? 16 : 4, out);
}

void sl_print_mac(const u8 *bytes, u32 length, FILE *out)
{
	for (u32 i = 0; i < length; i++)
		fprintf(out, "%s%02x", i ? ":" : "", bytes[i]);
}

/* A device name is padded with NULs; one cut short by a prefix match ends in nft's '*'. */
static void print_device(const u8 *bytes, u32 length, FILE *out)
{
	char name[17] = {0};

	memcpy(name, bytes, length);
	if (!memchr(name, 0, length))
		name[length < 16 ? length : 15] = '*';
	sl_print_quoted(name, out);
}

/* Fields */

enum { OF_IP = 1, OF_IP6 = 2, OF_ANY = OF_IP | OF_IP6 };

struct field_name {
	struct sl_field field;
	u8 families; /* of chains where the bytes mean this */
	const char *name;
	value_fn *print;
};

static const struct field_name field_names[] = {
	{{SL_LINK, 6, 0}, OF_ANY, "ether daddr", sl_print_mac},
	{{SL_LINK, 6, 6}, OF_ANY, "ether saddr", sl_print_mac},
	{{SL_LINK, 2, 12}, OF_ANY, "ether type", sl_print_hex},
	{{SL_NETWORK, 2, 2}, OF_IP, "ip length", print_be},
	{{SL_NETWORK, 1, 8}, OF_IP, "ip ttl", print_be},
	{{SL_NETWORK, 1, 9}, OF_IP, "ip protocol", print_be},
	{{SL_NETWORK, 4, 12}, OF_IP, "ip saddr", print_ip},
	{{SL_NETWORK, 4, 16}, OF_IP, "ip daddr", print_ip},
	{{SL_NETWORK, 2, 4}, OF_IP6, "ip6 length", print_be},
	{{SL_NETWORK, 1, 6}, OF_IP6, "ip6 nexthdr", print_be},
	{{SL_NETWORK, 1, 7}, OF_IP6, "ip6 hoplimit", print_be},
	{{SL_NETWORK, 16, 8}, OF_IP6, "ip6 saddr", print_ip6},
	{{SL_NETWORK, 16, 24}, OF_IP6, "ip6 daddr", print_ip6},
	{{SL_TRANSPORT, 2, 0}, OF_ANY, "th sport", print_be},
	{{SL_TRANSPORT, 2, 2}, OF_ANY, "th dport", print_be},
	{{SL_META, 1, SL_META_NFPROTO}, OF_ANY, "meta nfproto", print_be},
	{{SL_META, 1, SL_META_L4PROTO}, OF_ANY, "meta l4proto", print_be},
	{{SL_META, 2, SL_META_PROTOCOL}, OF_ANY, "meta protocol", sl_print_hex},
	{{SL_META, 4, SL_META_IIF}, OF_ANY, "iif", print_host},
	{{SL_META, 16, SL_META_IIFNAME}, OF_ANY, "iifname", print_device},
	{{SL_META, 2, SL_META_IIFTYPE}, OF_ANY, "iiftype", print_host},
	{{SL_META, 4, SL_META_IIFGROUP}, OF_ANY, "iifgroup", print_host},
	{{SL_META, 4, SL_META_LENGTH}, OF_ANY, "meta length", print_host},
	{{SL_META, 4, SL_META_MARK}, OF_ANY, "meta mark", print_host},
	{{SL_META, 1, SL_META_PKTTYPE}, OF_ANY, "meta pkttype", print_be},
	{{SL_META, 4, SL_META_DADDR_TYPE}, OF_ANY, "fib daddr type", print_host},
	{{SL_META, 4, SL_META_WAY_BACK}, OF_ANY, "fib saddr . iif exists", print_host},
	{{SL_META, 4, SL_META_WAY_BACK_IF}, OF_ANY, "fib saddr . iif oif", print_host},
	{{SL_META, 4, SL_META_CT_STATUS}, OF_ANY, "ct status", print_host},
	{{SL_META, 4, SL_META_CT_MARK}, OF_ANY, "ct mark", print_host},
	{{SL_META, 1, SL_META_CT_DIRECTION}, OF_ANY, "ct direction", print_be},
	{{SL_META, 4, SL_META_HOOK_MARK}, OF_ANY, "meta mark", print_host},
	{{SL_META, 4, SL_META_OIF}, OF_ANY, "oif", print_host},
	{{SL_META, 16, SL_META_OIFNAME}, OF_ANY, "oifname", print_device},
	{{SL_TCP_OPTION, 2, 2 << 8 | 2}, OF_ANY, "tcp option maxseg size", print_be},
};

/* What bytes mean in a chain of both families is told by their place alone. */
static u8 meanings(u32 family)
{
	if (family == NFPROTO_IPV4)
		return OF_IP;
	return family == NFPROTO_IPV6 ? OF_IP6 : OF_ANY;
}

static bool is_field(const struct field_name *name, const struct sl_field *field)
{
	bool is_name = field->base == SL_META &&
		       (field->offset == SL_META_IIFNAME || field->offset == SL_META_OIFNAME);

	return name->field.base == field->base && name->field.offset == field->offset &&
	       (name->field.length == field->length || is_name);
}

/* NULL for bytes that nobody has named. */
static const struct field_name *find_name(u32 family, const struct sl_field *field)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(field_names); i++)
		if (field_names[i].families & meanings(family) && is_field(&field_names[i], field))
			return &field_names[i];
	return NULL;
}

static void print_field(u32 family, const struct sl_field *field, FILE *out)
{
	static const char *const bases[] = {
		[SL_LINK] = "ll", [SL_NETWORK] = "nh", [SL_TRANSPORT] = "th", [SL_META] = "meta"};
	const struct field_name *name = find_name(family, field);
	u32 kind = sl_tcp_option_kind(field), from = sl_tcp_option_from(field);

	if (name)
		fputs(name->name, out);
	else if (field->base == SL_TCP_OPTION)
		fprintf(out, "tcp option @%u,%u,%u", kind, from * 8, field->length * 8u);
	else if (field->base == SL_HAS_TCP_OPTION)
		fprintf(out, "tcp option %u has %u", kind, from + field->length);
	else
		fprintf(out, "@%s,%u,%u", bases[field->base], field->offset * 8u,
			field->length * 8u);
}

/* Keys */

static bool is_zero(const u8 *bytes, u32 length)
{
	for (u32 i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Where a part starts that is laid out as nf_tables concatenates. */
static u32 next_part(const struct sl_part *part)
{
	return (part->at + part->field.length + 3u) & ~3u;
}

static bool keeps_meaning(const struct sl_key *key)
{
	for (u32 i = 0; i < key->transform_count; i++)
		if (key->transforms[i].kind != SL_MASK)
			return false;
	return true;
}

/* Hex unless every byte belongs to a part whose meaning is known, or is padding. */
static bool can_print_parts(u32 family, const struct sl_key *key, const u8 *value)
{
	u32 at = 0;

	if (!keeps_meaning(key))
		return false;
	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];

		if (part->at < at || !is_zero(value + at, part->at - at) ||
		    !find_name(family, &part->field))
			return false;
		at = part->at + part->field.length;
	}
	return is_zero(value + at, key->length - at);
}

void sl_print_value(u32 family, const struct sl_key *key, const u8 *value, FILE *out)
{
	if (!can_print_parts(family, key, value)) {
		sl_print_hex(value, key->length, out);
		return;
	}
	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];

		if (i)
			fputs(" . ", out);
		find_name(family, &part->field)->print(value + part->at, part->field.length, out);
	}
}

static void print_transform(u32 family, const struct sl_key *key,
			    const struct sl_transform *transform, FILE *out)
{
	bool is_whole = transform->at == 0 && transform->length == key->length;

	switch (transform->kind) {
	case SL_SWAP:
		fprintf(out, " swap%u", transform->width);
		break;
	case SL_MASK:
		fputs(" & ", out);
		if (is_whole)
			sl_print_value(family, key, transform->mask, out);
		else
			sl_print_hex(transform->mask, transform->length, out);
		if (!is_zero(transform->xor, transform->length)) {
			fputs(" ^ ", out);
			sl_print_hex(transform->xor, transform->length, out);
		}
		break;
	case SL_SHL:
	case SL_SHR:
		fprintf(out, " %s %u", transform->kind == SL_SHL ? "<<" : ">>", transform->width);
		break;
	}
	if (!is_whole)
		fprintf(out, " [%u,%u]", transform->at, transform->length);
}

/* A part in an unusual place says so: "ip saddr[8]". */
void sl_print_key(u32 family, const struct sl_key *key, FILE *out)
{
	u32 expected = 0;

	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];

		if (i)
			fputs(" . ", out);
		print_field(family, &part->field, out);
		if (part->at != expected)
			fprintf(out, "[%u]", part->at);
		expected = next_part(part);
	}
	for (u32 i = 0; i < key->transform_count; i++)
		print_transform(family, key, &key->transforms[i], out);
}
