// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/i2c.h"

#include <string.h>

void i2c_prepare(const struct i2c_req *r, struct vq_sg sg[I2C_PARTS], unsigned *out, unsigned *in)
{
	const struct virtio_i2c_out_hdr hdr = {
		.addr = le16(i2c_addr_field(r->addr)),
		.flags = le32((u32)((r->next ? VIRTIO_I2C_FLAGS_FAIL_NEXT : 0) |
				    (r->read ? VIRTIO_I2C_FLAGS_M_RD : 0))),
	};
	unsigned n = 0;

	_Static_assert(sizeof(hdr) == I2C_HEADER, "as in the text");
	memcpy(r->hdr.hva, &hdr, sizeof(hdr));
	r->status.hva[0] = I2C_NO_STATUS;
	sg[n++] = (struct vq_sg){ r->hdr.gpa, I2C_HEADER };
	/* An empty message has no buffer at all (5.16.6.3). */
	if (r->data.len)
		sg[n++] = (struct vq_sg){ r->data.gpa, r->data.len };
	sg[n++] = (struct vq_sg){ r->status.gpa, 1 };
	*in = 1 + (r->read && r->data.len);
	*out = n - *in;
}
