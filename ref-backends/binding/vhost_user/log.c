// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/log.h"

const char *vub_log_set(struct vub_log *log, int fd, u64 offset, u64 size)
{
	struct vub_map map;
	const char *why = vub_map(&map, fd, offset, size);

	if (why)
		return why;
	vub_log_clear(log);
	log->map = map;
	log->size = size;
	return NULL;
}

void vub_log_clear(struct vub_log *log)
{
	vub_unmap(&log->map);
	log->size = 0;
}

void vub_log_mark(struct vub_log *log, u64 gpa, u64 len)
{
	u64 first = gpa / VUB_LOG_PAGE, last;

	if (len == 0 || log->size == 0)
		return;
	last = (gpa + (len - 1)) / VUB_LOG_PAGE;
	for (u64 page = first; page <= last && page / 8 < log->size; page++)
		__atomic_fetch_or(log->map.at + page / 8, (u8)(1u << page % 8), __ATOMIC_RELEASE);
}
