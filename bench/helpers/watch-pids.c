/*
 * Watches how many processes and threads a cgroup has, the dead ones among them that nobody has collected.
 *
 *     watch-pids PIDS_CURRENT MS
 *
 * Takes what it sees first for the rest state, says so by an empty line, and looks every millisecond. A line from standard
 * input says that no more will come: once the rest state is there again, or nothing has gone for MS milliseconds, it says
 *
 *     MOST LEFT SETTLED
 *
 * the most and the last it saw above the rest state, and the time in nanoseconds when the last one went.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static long count(int fd) {
	char text[32];
	ssize_t length = pread(fd, text, sizeof text - 1, 0);
	if (length <= 0) exit(1);
	text[length] = 0;
	return atol(text);
}

int main(int argc, char **argv) {
	if (argc != 3) return 2;
	int fd = open(argv[1], O_RDONLY);
	if (fd < 0) return 1;
	uint64_t patience = strtoull(argv[2], NULL, 10) * 1000000;
	long rest = count(fd), most = rest, last = rest;
	uint64_t settled = now(), quiet_since = settled;
	int all_made = 0;
	puts("");
	fflush(stdout);
	for (;;) {
		struct pollfd input = {.fd = all_made ? -1 : 0, .events = POLLIN};
		if (poll(&input, 1, 1) > 0) all_made = 1, quiet_since = now();
		long seen = count(fd);
		if (seen > most) most = seen;
		if (seen < last) quiet_since = settled = now();
		last = seen;
		if (all_made && (seen <= rest || now() - quiet_since > patience)) break;
	}
	printf("%ld %ld %" PRIu64 "\n", most - rest, last - rest, settled);
	return 0;
}
