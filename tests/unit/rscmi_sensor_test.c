// SPDX-License-Identifier: BSD-3-Clause
/* The SCMI device's sensors: what they are, how they tick, and what they tell by themselves. */
#include "tests/unit/rscmi.h"

static int64_t read_sensor(u32 id)
{
	ok(SCMI_SENSOR, SCMI_SENSOR_READING, 2, id, 0);
	assert_int_equal(env.req.used_len, 8 + 16);
	return (int64_t)out64(0);
}

static void test_sensors(void **state)
{
	ok(SCMI_SENSOR, SCMI_ATTRIBUTES, 0);
	assert_int_equal(out32(0), SCMI_PENDING_OF << 16 | 2);
	assert_int_equal(out64(1), 0);
	assert_int_equal(out32(3), 0);
	ok(SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 0);
	assert_int_equal(out32(0), 2);
	assert_int_equal(env.req.used_len, 8 + 4 + 2 * 28);
	assert_int_equal(out32(1), TEMP);
	assert_int_equal(out32(2) & SCMI_SENSOR_TRIPS, 2);
	assert_true(out32(2) & SCMI_SENSOR_HAS_ASYNC);
	assert_int_equal(out32(3), 29 << SCMI_SENSOR_SCALE | SCMI_SENSOR_CELSIUS);
	assert_string_equal((char *)env.out + 8 + 16, "cpu-temp");
	assert_int_equal(ask_in(8 + 4 + 30, SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 0), 0);
	assert_int_equal(out32(0), 1 << 16 | 1);
	ok(SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 1);
	assert_int_equal(out32(0), 1);
	not(SCMI_OUT_OF_RANGE, SCMI_SENSOR, SCMI_SENSOR_DESCRIPTION, 1, 2);
	ok(SCMI_SENSOR, SCMI_SENSOR_NAME, 1, 1);
	assert_string_equal((char *)env.out + 12, "cpu-power");
	ok(SCMI_SENSOR, SCMI_SENSOR_INTERVALS, 2, TEMP, 1);
	assert_int_equal(out32(0), 2);
	assert_int_equal(out32(1), 50 << 5 | 29);
	not(SCMI_OUT_OF_RANGE, SCMI_SENSOR, SCMI_SENSOR_INTERVALS, 2, TEMP, 4);
	not(SCMI_NOT_SUPPORTED, SCMI_SENSOR, SCMI_SENSOR_AXIS, 2, TEMP, 0);
	not(SCMI_NOT_FOUND, SCMI_SENSOR, SCMI_SENSOR_READING, 2, 2, 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_READING, 2, 0, 2);
	assert_int_equal(ask_in(8 + 15, SCMI_SENSOR, SCMI_SENSOR_READING, 2, 0, 0),
			 SCMI_PROTOCOL_ERROR);
	assert_int_equal(ask_in(8, SCMI_SENSOR, SCMI_SENSOR_READING, 2, 0, SCMI_READ_ASYNC), 0);
}

static void test_waves(void **state)
{
	/* A triangle of two seconds: it is at its top now. */
	assert_int_equal(read_sensor(TEMP), 75000);
	assert_int_equal(out64(2), env.now / 1000);
	env.now += 500 * MS;
	assert_int_equal(read_sensor(TEMP), 55000);
	env.now += 500 * MS;
	assert_int_equal(read_sensor(TEMP), 35000);
	env.now += 250 * MS;
	assert_int_equal(read_sensor(TEMP), 45000);
	/* What a clock takes. */
	assert_int_equal(read_sensor(WATT), 150 + 4350 * 2 / 5);
	set_rate(CPU, 1500000000, 0, 1500000000);
	assert_int_equal(read_sensor(WATT), 4500);
	ok(SCMI_CLOCK, SCMI_CLOCK_CONFIG_SET, 2, CPU, 0);
	assert_int_equal(read_sensor(WATT), 150);
	make("[agent a]\n"
	     "[sensor r]\nwave=ramp\nlow=-100\nhigh=100\nperiod-ms=1000\n"
	     "[sensor s]\nwave=square\nlow=-1\nhigh=1\nperiod-ms=10\n"
	     "[sensor n]\nwave=noise\nlow=-2147483648\nhigh=2147483647\nperiod-ms=64\n"
	     "[sensor k]\nlow=7\n");
	assert_int_equal(read_sensor(0), -100);
	assert_int_equal(read_sensor(1), -1);
	env.now += 6 * MS;
	assert_int_equal(read_sensor(1), 1);
	env.now += 494 * MS;
	assert_int_equal(read_sensor(0), 0);
	assert_int_equal(read_sensor(3), 7);
	for (unsigned i = 0, same = 0; i < 100; i++, env.now += MS) {
		const int64_t before = read_sensor(2);

		assert_true(before >= INT32_MIN && before <= INT32_MAX);
		env.now += MS;
		same += before == read_sensor(2);
		assert_true(same < 3);
	}
}

static void config(u32 id, u32 config_, u32 expected)
{
	ok(SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, id, config_);
	ok(SCMI_SENSOR, SCMI_SENSOR_CONFIG_GET, 1, id);
	assert_int_equal(out32(0), expected);
}

#define EVERY(n, exp, how) ((u32)(n) << 16 | ((u32)(exp)&0x1f) << 11 | (u32)(how) << 9)

static void test_sensor_config(void **state)
{
	const u32 usual = EVERY(5, -3, 0) | 3;

	ok(SCMI_SENSOR, SCMI_SENSOR_CONFIG_GET, 1, TEMP);
	assert_int_equal(out32(0), usual);
	config(TEMP, 3, usual);
	config(TEMP, EVERY(50, -3, 0) | 3, EVERY(50, -3, 0) | 3);
	config(TEMP, EVERY(5, -2, 0) | 1, EVERY(50, -3, 0) | 1);
	config(TEMP, EVERY(60, -3, 1) | 1, EVERY(500, -3, 0) | 1);
	config(TEMP, EVERY(60, -3, 2) | 1, EVERY(50, -3, 0) | 1);
	config(TEMP, EVERY(0xffff, 15, 0) | 1, EVERY(500, -3, 0) | 1);
	read_sensor(TEMP);
	assert_int_equal(out64(2), 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, TEMP,
	    EVERY(1, -3, 0) | 1);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, TEMP,
	    EVERY(60, -3, 3) | 1);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, TEMP, 4);
	config(TEMP, 0, EVERY(500, -3, 0));
	not(SCMI_HARDWARE_ERROR, SCMI_SENSOR, SCMI_SENSOR_READING, 2, TEMP, 0);
	/* One that was asked for before it went off fails. */
	config(TEMP, 1, EVERY(500, -3, 0) | 1);
	ok(SCMI_SENSOR, SCMI_SENSOR_READING, 2, TEMP, SCMI_READ_ASYNC);
	ok(SCMI_SENSOR, SCMI_SENSOR_CONFIG_SET, 2, TEMP, 0);
	pass(2 * MS);
	event_is(8, SCMI_SENSOR, SCMI_DELAYED, SCMI_SENSOR_READING);
	assert_int_equal((int)ev(1), SCMI_HARDWARE_ERROR);
}

static void test_updates(void **state)
{
	ok(SCMI_SENSOR, SCMI_SENSOR_UPDATE_NOTIFY, 2, TEMP, 1);
	event_is(28, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_UPDATED);
	no_event();
	for (unsigned i = 0; i < 10; i++) {
		pass(4 * MS);
		no_event();
		pass(MS);
		event_is(28, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_UPDATED);
		assert_int_equal(ev(2), TEMP);
		assert_int_equal(ev(3), (u32)scmi_sim_reading(&env.sim, TEMP, env.now));
		assert_int_equal(ev(5), (u32)(env.now / 1000));
	}
	/* Nobody takes them: then there is one, and it is new. */
	pass(400 * MS);
	event_is(28, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_UPDATED);
	assert_int_equal(ev(3), (u32)scmi_sim_reading(&env.sim, TEMP, env.now));
	no_event();
	pass(5 * MS);
	ok(SCMI_SENSOR, SCMI_SENSOR_UPDATE_NOTIFY, 2, TEMP, 0);
	no_event();
	assert_int_equal(env.alarm, SCMI_NEVER);
}

static void test_trips(void **state)
{
	const u32 both = SCMI_TRIP_UP | SCMI_TRIP_DOWN;

	env.now = 0;
	ok(SCMI_SENSOR, SCMI_SENSOR_TRIP_CONFIG, 4, TEMP, 1 << SCMI_TRIP_ID | both, 60000, 0);
	ok(SCMI_SENSOR, SCMI_SENSOR_TRIP_CONFIG, 4, TEMP, 0 << SCMI_TRIP_ID | SCMI_TRIP_DOWN, 40000,
	   0);
	assert_int_equal(env.alarm, SCMI_NEVER);
	ok(SCMI_SENSOR, SCMI_SENSOR_TRIP_NOTIFY, 2, TEMP, 1);
	/* 60000 is reached at 625 ms, and left at 1375; 40000 at 1875. */
	pass(620 * MS);
	no_event();
	pass(10 * MS);
	event_is(16, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_TRIPPED);
	assert_int_equal(ev(1), 1);
	assert_int_equal(ev(2), TEMP);
	assert_int_equal(ev(3), SCMI_TRIP_WAS_UP | 1);
	pass(740 * MS);
	no_event();
	pass(10 * MS);
	event_is(16, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_TRIPPED);
	assert_int_equal(ev(3), 1);
	pass(500 * MS);
	event_is(16, SCMI_SENSOR, SCMI_NOTIFICATION, SCMI_SENSOR_TRIPPED);
	assert_int_equal(ev(3), 0);
	ok(SCMI_SENSOR, SCMI_SENSOR_TRIP_NOTIFY, 2, TEMP, 0);
	pass(4000 * MS);
	no_event();
	assert_int_equal(env.alarm, SCMI_NEVER);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_TRIP_CONFIG, 4, TEMP,
	    2 << SCMI_TRIP_ID | both, 0, 0);
	not(SCMI_INVALID_PARAMETERS, SCMI_SENSOR, SCMI_SENSOR_TRIP_CONFIG, 4, TEMP, 4, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sensors, setup),
		cmocka_unit_test_setup(test_waves, setup),
		cmocka_unit_test_setup(test_sensor_config, setup),
		cmocka_unit_test_setup(test_updates, setup),
		cmocka_unit_test_setup(test_trips, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
