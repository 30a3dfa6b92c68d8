// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages over a Linux guest's SOCK_SEQPACKET, which nothing that Debian has for an initramfs would keep apart.
 *
 *   vsock-messages connect PORT N    sends N messages to the host's port, while it receives
 *   vsock-messages listen PORT       answers at a port of the guest's
 *
 * Who is connected to sends each message back behind its number, of 32 bits: two that became one, or one that
 * became two, are no secret then, even when the way back does the same the other way round. Nobody waits for an
 * answer before the next message. The last line of output is "same", or what was not.
 */
#include <errno.h>
#include <linux/vm_sockets.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE 120
#define LARGEST	 100000
#define NUMBER	 sizeof(uint32_t)
#define STARTS	 251 /* of messages in the content: neighbours differ, those of one size, too */

/* Below and above a page, which is a buffer of Linux's driver, and 64 KiB, which is the most of its packets. */
static const int sizes[] = { 1, 100, 4095, 4096, 4097, 20000, 65535, 65536, 65537, LARGEST, 4 };
#define SIZES (int)(sizeof(sizes) / sizeof(sizes[0]))

static unsigned char content[LARGEST + STARTS], answer[LARGEST + 2 * NUMBER];

static void end(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static const unsigned char *message(int n)
{
	return content + n % STARTS;
}

static void send_all(int s, int n)
{
	for (int i = 0; i < n; i++) {
		int size = sizes[i % SIZES];

		/* An end of a record is a bit that travels beside the end of the message. */
		if (send(s, message(i), size, i % 3 ? 0 : MSG_EOR) != size)
			end("send");
	}
	if (shutdown(s, SHUT_WR))
		end("shutdown");
}

static int receive_all(int s, int n)
{
	for (int i = 0; i < n; i++) {
		int size = sizes[i % SIZES];
		ssize_t got = recv(s, answer, sizeof(answer), MSG_TRUNC);
		uint32_t number;

		if (got < 0)
			end("recv");
		memcpy(&number, answer, NUMBER);
		if (got != size + (ssize_t)NUMBER || number != (uint32_t)i) {
			printf("of %d bytes, message %d, came back as %zd bytes, message %u\n",
			       size, i, got - (ssize_t)NUMBER, number);
			return 1;
		}
		if (memcmp(answer + NUMBER, message(i), size)) {
			printf("message %d of %d bytes has others\n", i, size);
			return 1;
		}
	}
	if (recv(s, answer, sizeof(answer), 0) != 0) {
		printf("more than %d messages came back\n", n);
		return 1;
	}
	return 0;
}

static int connect_to(unsigned int port, int n)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK,
				 .svm_cid = VMADDR_CID_HOST,
				 .svm_port = port };
	int s = socket(AF_VSOCK, SOCK_SEQPACKET, 0), status, wrong;
	pid_t sender;

	if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)))
		end("connect");
	sender = fork();
	if (sender < 0)
		end("fork");
	if (!sender) {
		alarm(DEADLINE);
		send_all(s, n);
		exit(0);
	}
	wrong = receive_all(s, n);
	if (waitpid(sender, &status, 0) != sender || status)
		wrong = 1; /* it has said why */
	if (!wrong)
		puts("same");
	return wrong;
}

static void send_back(int s)
{
	ssize_t got;

	for (uint32_t n = 0; (got = recv(s, answer + NUMBER, sizeof(answer) - NUMBER, 0)) > 0;
	     n++) {
		memcpy(answer, &n, NUMBER);
		if (send(s, answer, NUMBER + got, 0) != (ssize_t)NUMBER + got)
			end("send");
	}
	close(s);
}

static int listen_at(unsigned int port)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK,
				 .svm_cid = VMADDR_CID_ANY,
				 .svm_port = port };
	int s = socket(AF_VSOCK, SOCK_SEQPACKET, 0), one;

	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 4))
		end("listen");
	while ((one = accept(s, NULL, NULL)) >= 0)
		send_back(one);
	end("accept");
	return 1;
}

int main(int argc, char **argv)
{
	if (getrandom(content, sizeof(content), 0) != sizeof(content))
		end("getrandom");
	if (argc == 4 && !strcmp(argv[1], "connect")) {
		alarm(DEADLINE);
		return connect_to(strtoul(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10));
	}
	if (argc == 3 && !strcmp(argv[1], "listen"))
		return listen_at(strtoul(argv[2], NULL, 10));
	return 2;
}
