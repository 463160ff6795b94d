/*
 * Starts a program as PID 1 of a PID namespace of its own, and times what becomes of it.
 *
 *     stopwatch STAMP OUTPUT COMMAND [ARG...]
 *
 * STAMP is a FIFO that the programs inside write times into, a line each. The program's standard output and error go to the
 * file OUTPUT. All times are nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share.
 *
 * Says "STARTED PID" first: the time right before execvp(3), and the pid as seen from outside. Then answers each line from
 * standard input with one line; 0 stands for a time that did not come within MS milliseconds:
 *
 *     stamps COUNT MS     the next lines of STAMP, fewer if they did not come
 *     signal NUMBER MS    SENT RECEIVED: sends PID 1 a signal, and waits for a stamp
 *     terminate MS        SENT GONE: sends PID 1 SIGTERM, and waits for its end
 *     wait MS             GONE: waits for its end
 *
 * The end of standard input ends PID 1 by SIGKILL, and with it everything in its namespace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int stamp_fd, process_fd;
static pid_t pid;

static uint64_t now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void fail(const char *what) {
	fprintf(stderr, "stopwatch: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Becomes the program. What it shares with the parent: the time of its start. */
static void become(char **command, const char *output, uint64_t *started) {
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (nothing < 0 || log < 0) fail("open the output");
	/* Else the new /proc would be seen outside. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) fail("have mounts of its own");
	if (mount("proc", "/proc", "proc", 0, NULL)) fail("mount /proc");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	dup2(nothing, 0);
	dup2(log, 1);
	dup2(log, 2);
	*started = now();
	execvp(command[0], command);
	dprintf(2, "stopwatch: cannot execute %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

/* Whether the descriptor can be read before the deadline. */
static int readable(int fd, uint64_t deadline) {
	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		uint64_t time = now();
		int ms = time < deadline ? (deadline - time + 999999) / 1000000 : 0;
		int count = poll(&poll_fd, 1, ms);
		if (count > 0) return 1;
		if (count == 0) return 0;
		if (errno != EINTR) fail("poll");
	}
}

/* The next line of STAMP, 0 if none comes. Byte by byte: there are few, and the time is in the line. */
static uint64_t next_stamp(uint64_t deadline) {
	char line[32];
	size_t length = 0;
	while (length < sizeof line - 1) {
		ssize_t count = read(stamp_fd, line + length, 1);
		if (count == 1 && line[length++] != '\n') continue;
		if (count == 1) break;
		if (!readable(stamp_fd, deadline)) return 0;
	}
	line[length] = 0;
	return strtoull(line, NULL, 10);
}

static uint64_t deadline_in(const char *ms) {
	return now() + strtoull(ms, NULL, 10) * 1000000;
}

static void stamps(long count, uint64_t deadline) {
	for (; count > 0; count--) {
		uint64_t time = next_stamp(deadline);
		if (time == 0) break;
		printf("%" PRIu64 " ", time);
	}
	putchar('\n');
}

static uint64_t send_signal(int number) {
	uint64_t time = now();
	syscall(SYS_pidfd_send_signal, process_fd, number, NULL, 0);
	return time;
}

static uint64_t gone(uint64_t deadline) {
	return readable(process_fd, deadline) ? now() : 0;
}

static void answer(char *line) {
	char *command = strtok(line, " \n");
	char *first = strtok(NULL, " \n"), *second = strtok(NULL, " \n");
	if (!command || !first) return;
	if (!strcmp(command, "stamps") && second) {
		stamps(atol(first), deadline_in(second));
	} else if (!strcmp(command, "signal") && second) {
		while (next_stamp(0)) {} /* of a signal that came too late to count */
		uint64_t deadline = deadline_in(second), sent = send_signal(atoi(first));
		printf("%" PRIu64 " %" PRIu64 "\n", sent, next_stamp(deadline));
	} else if (!strcmp(command, "terminate")) {
		uint64_t deadline = deadline_in(first), sent = send_signal(SIGTERM);
		printf("%" PRIu64 " %" PRIu64 "\n", sent, gone(deadline));
	} else if (!strcmp(command, "wait")) {
		printf("%" PRIu64 "\n", gone(deadline_in(first)));
	}
}

int main(int argc, char **argv) {
	if (argc < 4) return 2;
	/* For writing too: else it would be at its end whenever nobody has it open. */
	stamp_fd = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (stamp_fd < 0) fail("open STAMP");
	uint64_t *started = mmap(NULL, sizeof *started, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int executed[2];
	if (started == MAP_FAILED || pipe2(executed, O_CLOEXEC)) fail("prepare");

	pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0) fail("make a PID namespace");
	if (pid == 0) become(argv + 3, argv[2], started);
	process_fd = syscall(SYS_pidfd_open, pid, 0);
	if (process_fd < 0) fail("open the process");

	/* At its end when execve(2) has closed the other one. */
	close(executed[1]);
	char nothing;
	while (read(executed[0], &nothing, 1) < 0 && errno == EINTR) {}
	printf("%" PRIu64 " %d\n", *started, pid);

	char *line = NULL;
	size_t size = 0;
	fflush(stdout);
	while (getline(&line, &size, stdin) > 0) {
		answer(line);
		fflush(stdout);
	}
	syscall(SYS_pidfd_send_signal, process_fd, SIGKILL, NULL, 0);
	waitpid(pid, NULL, 0);
	return 0;
}
