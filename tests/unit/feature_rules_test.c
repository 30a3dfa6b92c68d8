// SPDX-License-Identifier: BSD-3-Clause
/* The feature bits of device types, and what requires what: for every type that has requirements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/check/feature_rules.h"
#include "harness/spec/virtio14.h"

static void add(struct feature_set *s, unsigned bit)
{
	s->word[bit / 32] |= 1u << bit % 32;
}

static void drop(struct feature_set *s, unsigned bit)
{
	s->word[bit / 32] &= ~(1u << bit % 32);
}

static struct feature_set everything(const struct feature_rules *r)
{
	struct feature_set s = { 0 };

	for (unsigned i = 0; i < r->bit_count; i++)
		add(&s, r->bits[i]);
	return s;
}

static void each_type(void (*look)(const struct feature_rules *r))
{
	unsigned n = 0;

	for (u32 id = 0; id < 64; id++) {
		const struct feature_rules *r = feature_rules_of(id);

		if (!r)
			continue;
		assert_int_equal(r->device, id);
		look(r);
		n++;
	}
	/* Those with a section in chapter 5. */
	assert_int_equal(n, 23);
}

static void all_is_closed(const struct feature_rules *r)
{
	struct feature_set s = everything(r), none = { 0 };

	assert_null(feature_unmet(r, &s));
	assert_null(feature_unmet(r, &none));
}

static void test_all_and_nothing(void **state)
{
	each_type(all_is_closed);
}

/* Whatever is required is missed when it is taken away, and only then. */
static void each_is_missed(const struct feature_rules *r)
{
	for (unsigned i = 0; i < r->need_count; i++) {
		const struct feature_need *n = &r->needs[i];
		struct feature_set s = { 0 };

		assert_true(feature_is_defined(r, n->bit));
		assert_true(n->all_count + n->any_count > 0);
		add(&s, n->bit);
		assert_ptr_equal(feature_unmet(r, &s), n);
		for (unsigned k = 0; k < n->all_count; k++) {
			s = everything(r);
			drop(&s, n->all[k]);
			assert_non_null(feature_unmet(r, &s));
		}
		for (unsigned k = 0; k < n->any_count; k++) {
			struct feature_set two = { 0 };

			add(&two, n->bit);
			add(&two, n->any[k]);
			for (unsigned j = 0; j < n->all_count; j++)
				add(&two, n->all[j]);
			assert_ptr_not_equal(feature_unmet(r, &two), n);
		}
	}
}

static void test_each_requirement(void **state)
{
	each_type(each_is_missed);
}

static void test_types_with_requirements(void **state)
{
	static const struct {
		u32 device;
		unsigned needs;
	} types[] = {
		{ VIRTIO_ID_NET, 26 },	 { VIRTIO_ID_BLOCK, 1 }, { VIRTIO_ID_GPU, 2 },
		{ VIRTIO_ID_CRYPTO, 5 }, { VIRTIO_ID_CAN, 1 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(feature_rules_of(types[i].device)->need_count, types[i].needs);
	assert_null(feature_rules_of(VIRTIO_ID_9P));
}

static void test_examples(void **state)
{
	const struct feature_rules *net = feature_rules_of(VIRTIO_ID_NET);
	struct feature_set s = { 0 };

	/* HASH_TUNNEL: CTRL_VQ, and one of two. */
	add(&s, 51);
	add(&s, 17);
	assert_non_null(feature_unmet(net, &s));
	add(&s, 57);
	assert_null(feature_unmet(net, &s));
	drop(&s, 17);
	assert_int_equal(feature_unmet(net, &s)->bit, 51);
	assert_true(feature_is_defined(net, 70));
	assert_false(feature_is_defined(net, 71));
	assert_false(feature_is_defined(net, 4));
	assert_true(feature_is_defined(net, VIRTIO_F_SUSPEND));
	assert_false(feature_is_general(30));
	assert_false(feature_in(&s, 128));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_and_nothing),
		cmocka_unit_test(test_each_requirement),
		cmocka_unit_test(test_types_with_requirements),
		cmocka_unit_test(test_examples),
	};

	return cmocka_run_group_tests_name("feature_rules", tests, NULL, NULL);
}
