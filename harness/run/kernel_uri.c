// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/kernel_uri.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2 is the host, 0 and 1 are kept, and the highest of 32 bits is any. */
#define CID_FIRST 3u
#define CID_LAST  0xfffffffeu

static int take_path(struct kdev_where *w, const char *spec, size_t length, char *error,
		     size_t room)
{
	*w = (struct kdev_where){ 0 };
	if (!length || length >= sizeof(w->path)) {
		snprintf(error, room,
			 length ? "the path of a device is longer than %zu bytes"
				: "which device? its path has up to %zu bytes",
			 sizeof(w->path) - 1);
		return -1;
	}
	memcpy(w->path, spec, length);
	return 0;
}

int vdpa_uri_parse(struct kdev_where *w, const char *spec, char *error, size_t room)
{
	return take_path(w, spec, strlen(spec), error, room);
}

static int take_cid(struct kdev_where *w, const char *text)
{
	char *end;

	errno = 0;
	w->cid = strtoull(text, &end, 10);
	return errno || end == text || *end || *text == '-' || w->cid < CID_FIRST ||
			       w->cid > CID_LAST
		       ? -1
		       : 0;
}

int vhost_uri_parse(struct kdev_where *w, const char *spec, char *error, size_t room)
{
	const size_t length = strcspn(spec, ",");
	const char *option = spec[length] ? spec + length + 1 : "";

	if (take_path(w, spec, length, error, room) < 0)
		return -1;
	if (strncmp(option, "tap=", 4) == 0 && option[4] && strlen(option + 4) < sizeof(w->tap)) {
		strcpy(w->tap, option + 4);
		return 0;
	}
	if (strncmp(option, "cid=", 4) == 0 && take_cid(w, option + 4) == 0)
		return 0;
	if (strncmp(option, "wwpn=", 5) == 0 && option[5] && strlen(option + 5) < sizeof(w->wwpn)) {
		strcpy(w->wwpn, option + 5);
		return 0;
	}
	snprintf(error, room,
		 "'%.60s' is not what a vhost: target ends with: ,tap=NAME of a TAP device (net), "
		 ",cid=N from %u to %u (vsock), or ,wwpn=NAME of a target in configfs (scsi)",
		 option, CID_FIRST, CID_LAST);
	return -1;
}
