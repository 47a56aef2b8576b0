/* SPDX-License-Identifier: GPL-2.0-only */
/* What print.c is made of: bytes as text, by what a chain of this family means by them. */
#ifndef SLUICE_IR_PRINT_PARTS_H
#define SLUICE_IR_PRINT_PARTS_H

#include "ir/ir.h"

/* Names come from the kernel, but a terminal must survive whatever they hold. */
void sl_print_text(const char *text, FILE *out);
void sl_print_quoted(const char *text, FILE *out);

void sl_print_hex(const u8 *bytes, u32 length, FILE *out);
void sl_print_mac(const u8 *bytes, u32 length, FILE *out);
void sl_print_address(const u8 *bytes, bool is_ip6, FILE *out);

/* "ip saddr . th dport & 0xff", and a value that it is compared with. */
void sl_print_key(u32 family, const struct sl_key *key, FILE *out);
void sl_print_value(u32 family, const struct sl_key *key, const u8 *value, FILE *out);

#endif
