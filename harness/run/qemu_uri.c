// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/qemu_uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && memcmp(s + len - n, end, n) == 0;
}

/* u->text, a copy of the spec with the words in braces filled in. -1 without memory. */
static int expand(struct qemu_uri *u, const char *spec, const struct qemu_uri_words *words)
{
	size_t size;
	FILE *f = open_memstream(&u->text, &size);

	if (!f)
		return -1;
	while (*spec) {
		if (strncmp(spec, "{image}", 7) == 0) {
			fputs(words->image, f);
			snprintf(u->image, sizeof(u->image), "%s", words->image);
			spec += 7;
		} else if (strncmp(spec, "{socket}", 8) == 0) {
			fputs(words->socket, f);
			u->backend = true;
			spec += 8;
		} else {
			fputc(*spec++, f);
		}
	}
	return fclose(f) == 0 ? 0 : -1;
}

static int add_arg(struct qemu_uri *u, unsigned *n, const char *arg)
{
	if (*n + 1 >= QEMU_URI_ARGS)
		return -1;
	u->args[(*n)++] = arg;
	u->args[*n] = NULL;
	return 0;
}

static int take_key(struct qemu_uri *u, unsigned *n, char *key, char *value, char *error,
		    size_t room)
{
	if (strcmp(key, "machine") == 0) {
		u->qtest.machine = value;
	} else if (strcmp(key, "qemu") == 0) {
		u->qtest.qemu = value;
	} else if (strcmp(key, "arg") == 0) {
		if (add_arg(u, n, value) == 0)
			return 0;
		snprintf(error, room, "more arguments than %d", QEMU_URI_ARGS - 1);
		return -1;
	} else if (strcmp(key, "arch") == 0 && strcmp(value, "x86_64") == 0) {
		u->qtest.arch = QTEST_X86_64;
	} else if (strcmp(key, "arch") == 0 && strcmp(value, "aarch64") == 0) {
		u->qtest.arch = QTEST_AARCH64;
	} else if (strcmp(key, "transport") == 0 && strcmp(value, "pci") == 0) {
		u->pci = true;
	} else if (strcmp(key, "transport") == 0 && strcmp(value, "mmio") == 0) {
		u->pci = false;
	} else {
		snprintf(error, room,
			 "'%.40s=%.60s' is not understood: machine=, arch=x86_64|aarch64, "
			 "transport=pci|mmio, qemu=, arg=",
			 key, value);
		return -1;
	}
	return 0;
}

int qemu_uri_parse(struct qemu_uri *u, const char *spec, const struct qemu_uri_words *words,
		   char *error, size_t room)
{
	char *query, *device;
	unsigned n = 0;

	memset(u, 0, sizeof(*u));
	if (expand(u, spec, words) < 0) {
		snprintf(error, room, "out of memory");
		return -1;
	}
	device = u->text;
	query = strchr(device, '?');
	if (query)
		*query++ = '\0';
	if (!*device) {
		snprintf(error, room, "which device? write qemu:virtio-rng-pci");
		return -1;
	}
	/* virtio-rng-device sits on a virtio bus, which is virtio-mmio's; all else is PCI. */
	u->pci = !ends_with(device, strcspn(device, ","), "-device");
	while (query && *query) {
		char *next = strchr(query, '&');
		char *value = strchr(query, '=');

		if (next)
			*next++ = '\0';
		if (!value || (next && value > next)) {
			snprintf(error, room, "'%.60s' is not KEY=VALUE", query);
			return -1;
		}
		*value++ = '\0';
		if (take_key(u, &n, query, value, error, room) < 0)
			return -1;
		query = next;
	}
	if (!u->qtest.machine)
		u->qtest.machine = u->qtest.arch == QTEST_AARCH64 ? "virt"
				   : u->pci			  ? "q35"
								  : "microvm";
	/* Without this QEMU's windows speak the legacy interface. */
	if (!u->pci &&
	    (add_arg(u, &n, "-global") < 0 || add_arg(u, &n, "virtio-mmio.force-legacy=off") < 0))
		return -1;
	if (add_arg(u, &n, "-device") < 0 || add_arg(u, &n, device) < 0)
		return -1;
	u->qtest.args = u->args;
	u->qtest.timeout_ms = 15000;
	return 0;
}

void qemu_uri_free(struct qemu_uri *u)
{
	free(u->text);
	memset(u, 0, sizeof(*u));
}
