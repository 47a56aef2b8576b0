/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_CLI_SERVICE_H
#define SLUICE_CLI_SERVICE_H

#include "service/client.h"

/* Devices of sluiced's that are not attached, as text. */
void sl_service_print(const json_t *status, const char *only);

#endif
