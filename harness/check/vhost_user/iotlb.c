// SPDX-License-Identifier: BSD-3-Clause
/* VIRTIO_F_ACCESS_PLATFORM: addresses that the front-end translates ("IOMMU support"). */
#include "harness/check/vhost_user/ring_io.h"

#include <string.h>

#define UPDATE	   "VU.iotlb.msg.be.1"
#define INVALIDATE "VU.iotlb.msg.be.2"
#define ACK	   "VU.iotlb.msg.be.3"
#define NACK	   "VU.iotlb.msg.be.4"
#define PERM	   "VU.iotlb.perm.be.1"
#define MISS	   "VU.iotlb.miss.be.1"
#define VIOLATION  "VU.iotlb.miss.be.2"
#define RINGS	   "VU.iotlb.rings.be.1"
#define LAYOUT	   "VU.layout.iotlb.be.1"
#define VALUES	   "VU.layout.iotlb.be.2"
#define NO_HANG	   "ROB.live.no-hang"

#define ALL (VU_IOTLB_READ | VU_IOTLB_WRITE)
#define NEEDS                                                                                      \
	.device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VIRTIO_F_ACCESS_PLATFORM),                  \
	.pf = BIT_ULL(VU_PF_BACKEND_REQ) | BIT_ULL(VU_PF_REPLY_ACK), .own_session = true

/* Where no guest address is: rings here, data there. */
#define RINGS_AT (1ull << 44)
#define DATA_AT	 (1ull << 46)
#define PAGE	 4096u

static bool session(struct ck *c)
{
	return ckr_session_with(c, BIT_ULL(VIRTIO_F_ACCESS_PLATFORM), ~0ull);
}

/* A translation that the front-end gives when it is asked. */
static void map(struct ck *c, unsigned i, u64 iova, struct gpa gpa, u64 size, u8 perm)
{
	struct vu_frontend *fe = ckv(c);

	fe->iovas[i] = (struct vu_iova){ iova, size, gpa, perm };
	fe->iova_count = MAX(fe->iova_count, i + 1);
}

/* What the device sent so far: is each as the text has it? */
static bool messages(struct ck *c, unsigned *misses, unsigned *violations)
{
	const struct vu_frontend *fe = ckv(c);
	const unsigned from = fe->event_count > VU_FE_EVENTS ? fe->event_count - VU_FE_EVENTS : 0;

	*misses = *violations = 0;
	for (unsigned i = from; i < fe->event_count; i++) {
		const struct vu_backend_event *ev = &fe->events[i % VU_FE_EVENTS];
		struct vu_iotlb m;

		if (ev->hdr.request != VU_BACKEND_IOTLB_MSG)
			continue;
		if (ev->hdr.size != sizeof(m))
			return ck_fail(c, LAYOUT, "32 bytes", "a message of %u bytes",
				       ev->hdr.size);
		memcpy(&m, ev->payload, sizeof(m));
		if (m.type != VU_IOTLB_MISS && m.type != VU_IOTLB_ACCESS_FAIL)
			return ck_fail(c, VALUES, "type 1 or 4", "type %u", m.type);
		if (m.perm > ALL)
			return ck_fail(c, VALUES, "permissions of 1, 2 or 3", "%u", m.perm);
		if (m.perm == 0)
			return ck_fail(c, MISS, "the access that is wanted", "permissions of 0");
		*misses += m.type == VU_IOTLB_MISS;
		*violations += m.type == VU_IOTLB_ACCESS_FAIL;
	}
	return true;
}

/* A read of a sector whose data goes to this address of the device. */
static bool offer(struct ck *c, struct blk_req *r, u64 iova)
{
	struct vq *vq = &c->q[0].vq;
	struct vq_sg sg[BLK_FRAME_MAX];
	unsigned out, in;

	if (!ckr_read_req(c, r, VIRTIO_BLK_SECTOR))
		return false;
	blk_prepare(r);
	blk_frame(r, BLK_LAYOUT_USUAL, sg, &out, &in);
	sg[out].addr = (struct gpa){ iova };
	return vq_add(vq, sg, out, in, r) >= 0 && ckr_publish(c, 0);
}

static bool page(struct ck *c, struct tp_buf *b)
{
	if (!ck_alloc(c, PAGE, PAGE, b))
		return false;
	memset(b->hva, CKR_UNTOUCHED, PAGE);
	return true;
}

static bool is_untouched(const struct tp_buf *b)
{
	return ck_not_value(b->hva, b->len, CKR_UNTOUCHED) == b->len;
}

static void rings(struct ck *c)
{
	unsigned misses, violations;
	struct blk_req r;

	if (!session(c))
		return;
	ckv_elsewhere(c, RINGS_AT);
	if (!ckr_run(c, 0, 16, 0) || !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR))
		return;
	for (unsigned i = 0; i < 20; i++)
		if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0) ||
		    !ckr_served(c, 0, &r, "rings at addresses that the front-end translates",
				RINGS))
			return;
	if (messages(c, &misses, &violations) && misses == 0)
		ck_fail(c, MISS, "what is missing is asked for", "no message came");
}

CHECK(rings, .id = "vu.iotlb.rings", .clauses = { RINGS, MISS, LAYOUT, VALUES, UPDATE },
      .stimulus =
	      "ACCESS_PLATFORM; a ring whose addresses are 2^44 above guest memory, told in answer "
	      "to misses only; 20 reads",
      .oracle =
	      "they are served; each message is of 32 bytes, of type 1, and says which access it is "
	      "about",
      NEEDS, .run = rings);

/* One read into what `iova` stands for now. */
static bool goes_to(struct ck *c, const struct tp_buf *there, const struct tp_buf *not_there,
		    const char *clause, const char *when)
{
	struct blk_req r;

	memset(there->hva, CKR_UNTOUCHED, PAGE);
	memset(not_there->hva, CKR_UNTOUCHED, PAGE);
	if (!offer(c, &r, DATA_AT) || !ckr_served(c, 0, &r, when, clause))
		return false;
	if (!is_untouched(not_there))
		return ck_fail(c, clause, "the translation that is valid",
			       "%s: another page was written", when);
	if (is_untouched(there))
		return ck_fail(c, clause, "the translation that is valid",
			       "%s: its page was not written", when);
	return true;
}

static void translations(struct ck *c)
{
	struct vu_iotlb gone = { .iova = DATA_AT, .size = PAGE, .type = VU_IOTLB_INVALIDATE };
	struct tp_buf one, other;
	u64 answer;

	if (!session(c) || !page(c, &one) || !page(c, &other) || !ckr_run(c, 0, 16, 0))
		return;
	for (unsigned i = 0; i < 4; i++) {
		const struct tp_buf *now = i % 2 ? &other : &one, *then = i % 2 ? &one : &other;

		map(c, 0, DATA_AT, now->gpa, PAGE, ALL);
		if (!goes_to(c, now, then, i ? INVALIDATE : UPDATE,
			     i ? "after an INVALIDATE and another translation"
			       : "after an UPDATE") ||
		    !ck_must(c, vu_iotlb_send(ckv(c), &gone, &answer), "INVALIDATE"))
			return;
		if (answer != 0) {
			ck_fail(c, ACK, "0", "INVALIDATE is answered with %llu",
				(unsigned long long)answer);
			return;
		}
	}
}

CHECK(translations, .id = "vu.iotlb.translate", .clauses = { UPDATE, INVALIDATE, ACK },
      .stimulus = "four reads into one address that is in no region, translated to one page and, "
		  "after an INVALIDATE, to another",
      .oracle =
	      "the page that is valid is written, the other one is not; INVALIDATE is answered with 0",
      NEEDS, .run = translations);

static void permissions(struct ck *c)
{
	unsigned misses, violations;
	struct tp_buf data;
	u64 end;
	struct ck_used u;
	struct blk_req r;

	if (!session(c) || !page(c, &data) || !ckr_run(c, 0, 16, 0))
		return;
	map(c, 0, DATA_AT, data.gpa, PAGE, VU_IOTLB_READ);
	/* Whether the request comes back is the device's choice. */
	if (!offer(c, &r, DATA_AT))
		return;
	ck_reap(c, 0, &u);
	if (!is_untouched(&data)) {
		ck_fail(c, PERM, "nothing is written", "a page that may be read only was written");
		return;
	}
	/* It has another way to us than the request. Others may come for ever. */
	end = tp_deadline(c->tp, c->tp->timeout_ms);
	while (messages(c, &misses, &violations) && violations == 0 &&
	       c->tp->ops->now_ns(c->tp) < end &&
	       vu_channel_wait(ckv(c), c->tp->timeout_ms) == TP_OK)
		;
	if (messages(c, &misses, &violations) && violations == 0)
		ck_fail(c, VIOLATION, "a message of type 4",
			"a write where only reading is allowed: no such message came");
}

CHECK(permissions, .id = "vu.iotlb.permission", .clauses = { PERM, VIOLATION, VALUES },
      .stimulus = "a read into an address that may be read only",
      .oracle = "the page is not written, and a message of type 4 says so", NEEDS,
      .run = permissions);

static bool answered(struct ck *c, const struct vu_iotlb *m, bool good, const char *what)
{
	u64 answer;

	if (!ck_must(c, vu_iotlb_send(ckv(c), m, &answer), what))
		return false;
	if ((answer == 0) == good)
		return true;
	return ck_fail(c, good ? ACK : NACK, good ? "0" : "not 0", "%s is answered with %llu", what,
		       (unsigned long long)answer);
}

static void answers(struct ck *c)
{
	struct vu_iotlb m = { .iova = DATA_AT, .size = PAGE, .perm = ALL, .type = VU_IOTLB_UPDATE };
	struct tp_buf data;

	if (!session(c) || !page(c, &data))
		return;
	m.uva = vu_uva(ckv(c), data.gpa);
	if (!answered(c, &m, true, "an UPDATE"))
		return;
	m.uva = 1ull << 62;
	if (!answered(c, &m, false, "an UPDATE to an address in no region"))
		return;
	m.uva = vu_uva(ckv(c), data.gpa);
	m.type = 9;
	answered(c, &m, false, "a message of type 9");
}

CHECK(answers, .id = "vu.iotlb.answer", .clauses = { ACK, NACK },
      .stimulus = "an UPDATE, one to a user address in no region, and a message of type 9",
      .oracle = "0, then not 0 twice", NEEDS, .run = answers);

static void refused(struct ck *c)
{
	struct tp_buf data;
	struct ck_used u;
	struct blk_req r;

	if (!session(c) || !page(c, &data) || !ckr_run(c, 0, 16, 0))
		return;
	/* Nobody knows this one: the miss is answered with a failure. */
	if (!offer(c, &r, DATA_AT))
		return;
	ck_reap(c, 0, &u);
	if (ckr_touched(&r) && blk_status(&r) == VIRTIO_BLK_S_OK) {
		ck_fail(c, UPDATE, "no data, and no success",
			"a read into an address that has no translation succeeds");
		return;
	}
	/* And the next session is served. */
	ckv_reachable(c, NO_HANG);
}

CHECK(refused, .id = "vu.iotlb.refused", .clauses = { UPDATE, NO_HANG },
      .stimulus =
	      "a read into an address that has no translation: the miss is answered with a failure",
      .oracle = "it does not succeed; a new session is served", NEEDS, .run = refused);
