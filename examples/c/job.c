/* Sleeps until lastcall raises its flag, in the system call that the raise wakes: docs/flag.md. */
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAGIC, VERSION, FLAG, MAPPED = 4 };

int main(void) {
	const char *memory = getenv("LASTCALL_FLAG_FD");
	_Atomic int *words = mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED, memory ? atoi(memory) : -1, 0);
	if (words == MAP_FAILED || words[MAGIC] != 0x6c617374 || words[VERSION] != 1) return 1;
	words[MAPPED] = 1; /* From here on no stop signal comes. */
	fprintf(stderr, "At work\n");
	while (words[FLAG] == 0) syscall(SYS_futex, &words[FLAG], FUTEX_WAIT, 0, NULL);
	fprintf(stderr, "Clean shutdown\n");
	return 0;
}
