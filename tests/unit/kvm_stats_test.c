// SPDX-License-Identifier: BSD-3-Clause
/* KVM's binary statistics: which of them are counters, their values, and files that make no sense. */
#include "tests/unit/kvm_calls.h"

#include <sys/mman.h>
#include <unistd.h>

#include "ref-backends/binding/kvm/stats.h"

#define NAME	 48
#define DESCS_AT 128
#define DESC	 (sizeof(struct kvm_stats_desc) + NAME)
#define DESCS	 100
#define DATA_AT	 (DESCS_AT + DESCS * DESC)

#define COUNTER (KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE)

static u8 file[DATA_AT + 8 * DESCS];
static struct stats s;

static struct kvm_stats_header *header(void)
{
	return (struct kvm_stats_header *)file;
}

static void add(u32 flags, u16 size, const char *name, u64 value)
{
	const u32 i = header()->num_desc++;
	const struct kvm_stats_desc d = { .flags = flags, .size = size, .offset = i * 8 };

	memcpy(file + DESCS_AT + i * DESC, &d, sizeof(d));
	memcpy(file + DESCS_AT + i * DESC + sizeof(d), name, MIN(strlen(name), (size_t)NAME));
	memcpy(file + DATA_AT + i * 8, &value, sizeof(value));
}

static int setup(void **state)
{
	memset(file, 0, sizeof(file));
	*header() = (struct kvm_stats_header){ .name_size = NAME,
					       .desc_offset = DESCS_AT,
					       .data_offset = DATA_AT };
	return 0;
}

static int teardown(void **state)
{
	stats_close(&s);
	return 0;
}

static void take(size_t size)
{
	int fd = memfd_create("stats", MFD_CLOEXEC);

	assert_int_equal(write(fd, file, size), size);
	stats_take(&s, fd);
}

static void counters_alone(void **state)
{
	u64 values[STATS_MAX] = { 0 };

	add(COUNTER, 1, "exits", 7);
	add(KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_NONE, 1, "guest_mode", 1);
	add(KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_SECONDS, 1, "halt_wait_ns", 99);
	add(KVM_STATS_TYPE_LINEAR_HIST | KVM_STATS_UNIT_NONE, 32, "hist", 5);
	add(COUNTER, 1, "mmio_exits", 3);
	take(sizeof(file));
	assert_int_equal(s.count, 2);
	assert_string_equal(s.what[0].name, "exits");
	assert_string_equal(s.what[1].name, "mmio_exits");
	stats_read(&s, values);
	assert_int_equal(values[0], 7);
	assert_int_equal(values[1], 3);
}

static void more_than_there_is_room_for(void **state)
{
	for (unsigned i = 0; i < DESCS; i++)
		add(COUNTER, 1, "exits", i);
	take(sizeof(file));
	assert_int_equal(s.count, STATS_MAX);
}

static void a_name_without_an_end(void **state)
{
	char name[NAME + 1];

	memset(name, 'n', NAME);
	name[NAME] = '\0';
	add(COUNTER, 1, name, 1);
	take(sizeof(file));
	assert_int_equal(s.count, 1);
	assert_int_equal(strlen(s.what[0].name), sizeof(s.what[0].name) - 1);
}

static void a_table_that_is_not_there(void **state)
{
	add(COUNTER, 1, "exits", 7);
	take(DESCS_AT + 10);
	assert_int_equal(s.count, 0);
	stats_close(&s);
	header()->num_desc = ~0u;
	take(sizeof(file));
	assert_int_equal(s.count, 0);
	stats_close(&s);
	header()->num_desc = 1;
	header()->name_size = ~0u;
	take(sizeof(file));
	assert_int_equal(s.count, 0);
	stats_close(&s);
	take(3);
	assert_int_equal(s.count, 0);
}

static void values_that_are_not_there(void **state)
{
	u64 values[STATS_MAX] = { 5 };

	add(COUNTER, 1, "exits", 7);
	take(DATA_AT + 4);
	assert_int_equal(s.count, 1);
	stats_read(&s, values);
	assert_int_equal(values[0], 0);
}

static void a_kernel_without(void **state)
{
	u64 values[STATS_MAX] = { 0 };
	const struct vm vm = { .vcpu = -1 };

	stats_open(&s, &vm);
	assert_int_equal(s.fd, -1);
	assert_int_equal(s.count, 0);
	stats_read(&s, values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counters_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_there_is_room_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_without_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_table_that_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(values_that_are_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_kernel_without, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
