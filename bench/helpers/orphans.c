/*
 * Makes orphans, dead ones: double forks whose grandchild has ended before its parent does.
 *
 *     orphans COUNT
 *
 * Says in the FIFO that STAMP names that it is there; begins once it can read a byte from the FIFO that GO names; says when it
 * began and when it was done. Then waits for SIGTERM, so that its init lives on and reaps.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void stamp(int fd) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	dprintf(fd, "%lld\n", time.tv_sec * 1000000000LL + time.tv_nsec);
}

int main(int argc, char **argv) {
	long count = argc > 1 ? atol(argv[1]) : 0;
	const char *stamps = getenv("STAMP"), *go = getenv("GO");
	int fd = stamps ? open(stamps, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0 || !go || count <= 0) return 1;
	sigset_t stop;
	int signal;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	/* Stays on one processor with its forks: to wake another one for each would take longer than all the rest, but by chance. */
	cpu_set_t here;
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	sched_setaffinity(0, sizeof here, &here);

	stamp(fd);
	char byte;
	if (read(open(go, O_RDONLY | O_CLOEXEC), &byte, 1) != 1) return 1;
	stamp(fd);
	while (count > 0) {
		pid_t child = vfork();
		/* vfork(2) returns here when the grandchild has ended: nothing is copied, and nothing runs side by side. */
		if (child == 0) _exit(vfork() < 0);
		int status;
		if (child > 0 && waitpid(child, &status, 0) == child && status == 0) count--;
		else usleep(1000); /* no pids are left: the init is behind */
	}
	stamp(fd);
	sigwait(&stop, &signal);
	return 0;
}
