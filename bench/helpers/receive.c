/* Says when each signal arrived, from its start on: lines in the FIFO that STAMP names. Ends at SIGTERM. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void stamp(int fd) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	dprintf(fd, "%lld\n", time.tv_sec * 1000000000LL + time.tv_nsec);
}

int main(void) {
	sigset_t all;
	int signal;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	const char *name = getenv("STAMP");
	int fd = name ? open(name, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0) return 1;
	stamp(fd);
	while (sigwait(&all, &signal) == 0 && signal != SIGTERM) stamp(fd);
	return 0;
}
