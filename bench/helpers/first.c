/* Says when its first instruction ran: a line in the FIFO that STAMP names. Then does nothing until SIGTERM. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);

	sigset_t stop;
	int signal;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	/* Before anybody hears of us: from then on SIGTERM may come. */
	sigprocmask(SIG_BLOCK, &stop, NULL);

	const char *stamp = getenv("STAMP");
	int fd = stamp ? open(stamp, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0) return 1;
	dprintf(fd, "%lld\n", time.tv_sec * 1000000000LL + time.tv_nsec);
	close(fd);
	sigwait(&stop, &signal);
	return 0;
}
