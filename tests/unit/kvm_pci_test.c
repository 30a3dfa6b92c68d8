// SPDX-License-Identifier: BSD-3-Clause
/*
 * The device as a PCI function of ringside-vmm's: configuration space by ports, addresses, messages, and what KVM is
 * told of them.
 */
#include "tests/unit/kvm_calls.h"

#include <linux/pci_regs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/binding/kvm/attach.h"
#include "ref-backends/device/rng.h"
#include "tests/unit/mmio_driver.h"

#define RAM	  (1u << 20)
#define DEVICE	  8u
#define BAR1	  0xe0000000u
#define BAR4	  0xe0100000u
#define ELSEWHERE 0xe0200000u
#define MESSAGE	  0xfee00000u
/* Of the common configuration, behind what older headers have. */
#define NOTIF_CONFIG_DATA 56

static struct vm vm = { .kvm = -1, .vm = -1, .vcpu = -1, .ram_size = RAM };
static struct attach a;
static struct rrng rng;
static struct kvm_opts opts;

/* --- the driver ------------------------------------------------------------------------------------------------ */

static u32 config(u32 devfn, u32 offset, unsigned size)
{
	u32 value = 0;

	assert_true(attach_port_write(&a, 0xcf8, 4, 0x80000000u | devfn << 8 | (offset & 0xfc)));
	assert_true(attach_port_read(&a, (u16)(0xcfc + offset % 4), size, &value));
	return value;
}

static void set_config(u32 devfn, u32 offset, unsigned size, u32 value)
{
	assert_true(attach_port_write(&a, 0xcf8, 4, 0x80000000u | devfn << 8 | (offset & 0xfc)));
	assert_true(attach_port_write(&a, (u16)(0xcfc + offset % 4), size, value));
}

#define COMMON(field) (BAR4 + RPCI_COMMON + (u32)offsetof(struct virtio_pci_common_cfg, field))

static void set(u64 at, unsigned size, u64 value)
{
	assert_true(attach_bar_write(&a, at, size, value));
}

static u64 get(u64 at, unsigned size)
{
	u64 value = 0;

	assert_true(attach_bar_read(&a, at, size, &value));
	return value;
}

/* With a vector for queue 0, whose message is `data`; `features` beside VERSION_1 are from bit 32 on. */
static void start_with(u64 features, u32 data)
{
	set_config(DEVICE, PCI_BASE_ADDRESS_1, 4, BAR1);
	set_config(DEVICE, PCI_BASE_ADDRESS_4, 4, BAR4);
	set_config(DEVICE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	set(BAR1 + 16, 4, MESSAGE);
	set(BAR1 + 16 + 8, 4, data);
	set(BAR1 + 16 + 12, 4, 0);
	set_config(DEVICE, RPCI_CAP_MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	set(COMMON(device_status), 1, 3);
	set(COMMON(guest_feature_select), 4, 1);
	set(COMMON(guest_feature), 4, (BIT_ULL(VIRTIO_F_VERSION_1) | features) >> 32);
	set(COMMON(device_status), 1, 11);
	set(COMMON(queue_size), 2, NUM);
	set(COMMON(queue_msix_vector), 2, 1);
	set(COMMON(queue_desc_lo), 4, DESC);
	set(COMMON(queue_avail_lo), 4, AVAIL);
	set(COMMON(queue_used_lo), 4, USED);
	set(COMMON(queue_enable), 2, 1);
	set(COMMON(device_status), 1, 15);
	assert_int_equal(get(COMMON(device_status), 1), 15);
}

static void start(u32 data)
{
	start_with(0, data);
}

/* --- set-up ------------------------------------------------------------------------------------------------------ */

static int setup(void **state)
{
	vm.ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm.ram == MAP_FAILED)
		return -1;
	vm.msis = 0;
	driver = (struct driver){ .ram = vm.ram };
	calls_forget();
	vm_error[0] = '\0';
	memset(&a, 0, sizeof(a));
	rrng_init(&rng, driver_fill, NULL);
	opts = (struct kvm_opts){ .dev = &rng.dev, .queue_size = 64, .pci = true };
	return 0;
}

static int teardown(void **state)
{
	attach_close(&a);
	munmap(vm.ram, RAM);
	return 0;
}

static void attach(enum kvm_mode mode)
{
	opts.mode = mode;
	assert_int_equal(attach_open(&a, &opts, &vm), 0);
}

/* --- configuration space ------------------------------------------------------------------------------------------- */

static void a_bridge_and_a_device(void **state)
{
	u32 value;

	attach(KVM_LIBRARY);
	assert_int_equal(config(0, PCI_CLASS_REVISION, 4) >> 16, 0x0600);
	assert_int_equal(config(0, PCI_CLASS_DEVICE + 1, 1), 6);
	assert_int_equal(config(DEVICE, PCI_VENDOR_ID, 2), 0x1af4);
	assert_int_equal(config(DEVICE, PCI_DEVICE_ID, 2), 0x1040 + VIRTIO_ID_RNG);
	/* Nobody else, no second bus, and not without the enable bit. */
	for (u32 devfn = 1; devfn < 256; devfn++)
		if (devfn != DEVICE)
			assert_int_equal(config(devfn, PCI_VENDOR_ID, 4), 0xffffffff);
	assert_int_equal(config(1 << 8 | DEVICE, PCI_VENDOR_ID, 4), 0xffffffff);
	assert_true(attach_port_write(&a, 0xcf8, 4, DEVICE << 8));
	assert_true(attach_port_read(&a, 0xcfc, 4, &value));
	assert_int_equal(value, 0xffffffff);
	/* Beyond the data register, and other ports. */
	assert_int_equal(config(DEVICE, 3, 4), 0xffffffff);
	assert_false(attach_port_read(&a, 0xcf7, 1, &value));
	assert_false(attach_port_read(&a, 0xd00, 1, &value));
}

static void addresses_are_the_functions_when_it_decodes_them(void **state)
{
	u64 value;

	attach(KVM_LIBRARY);
	set_config(DEVICE, PCI_BASE_ADDRESS_4, 4, BAR4);
	assert_false(attach_bar_read(&a, BAR4, 4, &value));
	set_config(DEVICE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(attach_bar_read(&a, BAR4, 4, &value));
	assert_false(attach_bar_read(&a, BAR4 + RPCI_BAR_SIZE, 4, &value));
}

static void no_function_with_a_window(void **state)
{
	u64 value;
	u32 word;

	opts.pci = false;
	attach(KVM_LIBRARY);
	assert_false(attach_port_read(&a, 0xcfc, 4, &word));
	assert_false(attach_port_write(&a, 0xcf8, 4, 0));
	assert_false(attach_bar_read(&a, BAR4, 4, &value));
}

/* --- requests ------------------------------------------------------------------------------------------------------ */

static void library_serves_in_the_exit(void **state)
{
	attach(KVM_LIBRARY);
	start(0x31);
	add();
	set(BAR4 + RPCI_NOTIFY, 2, 0);
	filled(1);
	assert_int_equal(calls.msis, 1);
	assert_int_equal(calls.msi.address_lo, MESSAGE);
	assert_int_equal(calls.msi.data, 0x31);
	assert_int_equal(calls.edges, 0);
	assert_int_equal(calls.num_io, 0);
}

static const struct kvm_irq_routing_entry *route(u32 gsi)
{
	for (unsigned i = 0; i < calls.num_routes; i++)
		if (calls.route[i].gsi == gsi && calls.route[i].type == KVM_IRQ_ROUTING_MSI)
			return &calls.route[i];
	return NULL;
}

/* Of the irqfd of a vector. */
static int irq_of(u32 vector)
{
	for (unsigned i = 0; i < calls.num_irq; i++)
		if (calls.irq[i].gsi == VM_GSI_MSI + vector)
			return (int)calls.irq[i].fd;
	fail_msg("vector %u has no irqfd", vector);
	return -1;
}

static void an_event_is_served_on_a_thread(void **state)
{
	attach(KVM_EVENTFD);
	assert_int_equal(calls.num_io, 0);
	start(0x31);
	assert_int_equal(calls.num_io, 1);
	assert_int_equal(calls.io[0].addr, BAR4 + RPCI_NOTIFY);
	assert_int_equal(calls.io[0].len, 0);
	assert_false(calls.io[0].flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	for (u16 n = 1; n <= 20; n++) {
		add();
		signal_fd(calls.io[0].fd);
		assert_true(signalled(irq_of(1), PATIENCE));
		filled(n);
	}
	pthread_mutex_lock(&calls.lock);
	assert_non_null(route(VM_GSI_MSI + 1));
	assert_int_equal(route(VM_GSI_MSI + 1)->u.msi.address_lo, MESSAGE);
	assert_int_equal(route(VM_GSI_MSI + 1)->u.msi.data, 0x31);
	/* The I/O APIC's pins are still there. */
	for (u32 pin = 0; pin < 24; pin++) {
		unsigned found = 0;

		for (unsigned i = 0; i < calls.num_routes; i++)
			found += calls.route[i].gsi == pin &&
				 calls.route[i].u.irqchip.irqchip == KVM_IRQCHIP_IOAPIC &&
				 calls.route[i].u.irqchip.pin == pin;
		assert_int_equal(found, 1);
	}
	pthread_mutex_unlock(&calls.lock);
	assert_int_equal(calls.msis, 0);
}

/* An event has no value: which queue it is of the descriptor says, whatever the driver would have to write. */
static void an_event_has_no_name(void **state)
{
	const u64 features =
		BIT_ULL(VIRTIO_F_NOTIF_CONFIG_DATA) | BIT_ULL(VIRTIO_F_NOTIFICATION_DATA);

	attach(KVM_EVENTFD);
	start_with(features, 0x31);
	assert_int_not_equal(get(BAR4 + RPCI_COMMON + NOTIF_CONFIG_DATA, 2), 0);
	add();
	signal_fd(calls.io[0].fd);
	assert_true(signalled(irq_of(1), PATIENCE));
	filled(1);
}

/* What KVM did not take it is told again, and until then there is no interrupt that would be another's. */
static void a_route_that_kvm_refuses(void **state)
{
	attach(KVM_EVENTFD);
	start(0x31);
	calls.refused = KVM_SET_GSI_ROUTING;
	add();
	set(BAR4 + RPCI_NOTIFY, 2, 0);
	filled(1);
	assert_false(signalled(irq_of(1), 0));
	assert_null(route(VM_GSI_MSI + 1));
	calls.refused = 0;
	add();
	set(BAR4 + RPCI_NOTIFY, 2, 0);
	filled(2);
	assert_true(signalled(irq_of(1), 0));
	assert_non_null(route(VM_GSI_MSI + 1));
}

static void another_message_is_another_route(void **state)
{
	attach(KVM_EVENTFD);
	start(0x31);
	set(BAR1 + 16 + 8, 4, 0x32);
	add();
	signal_fd(calls.io[0].fd);
	assert_true(signalled(irq_of(1), PATIENCE));
	pthread_mutex_lock(&calls.lock);
	assert_int_equal(route(VM_GSI_MSI + 1)->u.msi.data, 0x32);
	pthread_mutex_unlock(&calls.lock);
}

static void events_are_where_the_driver_puts_the_function(void **state)
{
	attach(KVM_EVENTFD);
	start(0x31);
	/* Switched off, moved, switched on. */
	set_config(DEVICE, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(calls.num_io, 0);
	set_config(DEVICE, PCI_BASE_ADDRESS_4, 4, ELSEWHERE);
	assert_int_equal(calls.num_io, 0);
	set_config(DEVICE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(calls.num_io, 1);
	assert_int_equal(calls.io[0].addr, ELSEWHERE + RPCI_NOTIFY);
	/* And moved while it is on. */
	set_config(DEVICE, PCI_BASE_ADDRESS_4, 4, BAR4);
	assert_int_equal(calls.num_io, 1);
	assert_int_equal(calls.io[0].addr, BAR4 + RPCI_NOTIFY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_bridge_and_a_device),
		TEST(addresses_are_the_functions_when_it_decodes_them),
		TEST(no_function_with_a_window),
		TEST(library_serves_in_the_exit),
		TEST(an_event_is_served_on_a_thread),
		TEST(an_event_has_no_name),
		TEST(a_route_that_kvm_refuses),
		TEST(another_message_is_another_route),
		TEST(events_are_where_the_driver_puts_the_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
