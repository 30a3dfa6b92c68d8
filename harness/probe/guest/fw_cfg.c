// SPDX-License-Identifier: BSD-3-Clause
/* QEMU's fw_cfg: -fw_cfg name=opt/ringside/job,string=… or ,file=…. */
#include "harness/probe/guest/guest.h"
#include "harness/run/core/text.h"

#define KEY_SIGNATURE 0x0000
#define KEY_FILES     0x0019
#define NAME_LEN      56
#define FILES_MAX     256

static u32 take_be(unsigned size)
{
	u32 v = 0;

	while (size--)
		v = v << 8 | arch_fw_cfg_byte();
	return v;
}

bool fw_cfg_present(void)
{
	return arch_fw_cfg_select(KEY_SIGNATURE) && take_be(4) == 0x51454d55; /* "QEMU" */
}

static bool find(const char *wanted, u16 *key, u32 *size)
{
	u32 files;

	arch_fw_cfg_select(KEY_FILES);
	files = take_be(4);
	for (u32 i = 0; i < MIN(files, FILES_MAX); i++) {
		char name[NAME_LEN];

		*size = take_be(4);
		*key = (u16)take_be(2);
		take_be(2);
		for (unsigned k = 0; k < NAME_LEN; k++)
			name[k] = (char)arch_fw_cfg_byte();
		name[NAME_LEN - 1] = '\0';
		if (text_same(name, wanted))
			return true;
	}
	return false;
}

size_t fw_cfg_job(char *out, size_t room)
{
	size_t n = 0;
	u32 size;
	u16 key;

	if (!room || !fw_cfg_present() || !find("opt/ringside/job", &key, &size))
		return 0;
	arch_fw_cfg_select(key);
	while (n < size && n + 1 < room)
		out[n++] = (char)arch_fw_cfg_byte();
	out[n] = '\0';
	return n;
}
