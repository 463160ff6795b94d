/*
 * What Debian's libstdc++ and libgcc_s want of glibc, and musl does not have. It stands in front of libgcc_s.so.1 in the
 * stand-in for Alpine, in which these libraries run on musl. For tests only: destructors of threads never run.
 */
#include <stddef.h>

typedef unsigned long u64;
typedef unsigned int u32;

extern void *memmove(void *, const void *, size_t);
extern void *memcpy(void *, const void *, size_t);
extern long syscall(long, ...);
extern size_t strftime_l(char *, size_t, const char *, const void *, void *);

#define SYS_getrandom 318

u32 arc4random(void) {
	u32 value;
	syscall(SYS_getrandom, &value, sizeof value, 0);
	return value;
}

size_t __strftime_l(char *s, size_t size, const char *format, const void *time, void *locale) {
	return strftime_l(s, size, format, time, locale);
}

char __libc_single_threaded = 0;
u32 __cpu_model[8];
int __cpu_indicator_init(void) { return 0; }
int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *dso) { return 0; }

extern int pthread_key_create(u32 *, void (*)(void *));
int __pthread_key_create(u32 *key, void (*destructor)(void *)) { return pthread_key_create(key, destructor); }

/* _dl_find_object() of glibc 2.35, for the unwinder: the loaded object that an address belongs to. */
struct header { u32 type, flags; u64 offset, address, physical, file_size, memory_size, alignment; };
struct object { u64 base; const char *name; const struct header *headers; unsigned short count; };
struct found { u64 flags; void *start, *end, *link_map, *eh_frame; u64 reserved[7]; };
struct search { u64 address; struct found *found; };
extern int dl_iterate_phdr(int (*)(struct object *, size_t, void *), void *);

#define PT_LOAD 1
#define PT_GNU_EH_FRAME 0x6474e550

static int look(struct object *object, size_t size, void *data) {
	struct search *search = data;
	void *start = 0, *end = 0, *eh_frame = 0;
	for (int i = 0; i < object->count; i++) {
		const struct header *header = &object->headers[i];
		u64 from = object->base + header->address, to = from + header->memory_size;
		if (header->type == PT_LOAD && search->address >= from && search->address < to) {
			start = (void *)from;
			end = (void *)to;
		}
		if (header->type == PT_GNU_EH_FRAME) eh_frame = (void *)from;
	}
	if (!end || !eh_frame) return 0;
	search->found->flags = 0;
	search->found->start = start;
	search->found->end = end;
	search->found->link_map = 0;
	search->found->eh_frame = eh_frame;
	return 1;
}

int _dl_find_object(void *address, struct found *found) {
	struct search search = {(u64)address, found};
	return dl_iterate_phdr(look, &search) ? 0 : -1;
}

/* std::string::_M_replace_cold() of GCC 13: writes s over n characters at p, `tail` characters follow; s may lie in the string. */
void replace_cold(void *self, char *p, size_t n, const char *s, size_t length, size_t tail)
	__asm__("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE15_M_replace_coldEPcmPKcmm");
void replace_cold(void *self, char *p, size_t n, const char *s, size_t length, size_t tail) {
	if (length && length <= n) memmove(p, s, length);
	if (tail && n != length) memmove(p + length, p + n, tail);
	if (length <= n) return;
	if (s + length <= p + n) {
		memmove(p, s, length);
	} else if (s >= p + n) {
		memcpy(p, s + (length - n), length);
	} else {
		size_t before = (p + n) - s;
		memmove(p, s, before);
		memcpy(p + before, p + length, length - before);
	}
}

/* A locale that both C libraries can read: zeros for musl, behind them the tables that glibc has there. */
extern const unsigned short **__ctype_b_loc(void);
extern const int **__ctype_tolower_loc(void), **__ctype_toupper_loc(void);
static struct {
	void *locales[13];
	const unsigned short *classes;
	const int *lower, *upper;
	const char *names[13];
} c_locale;

void *__newlocale(int mask, const char *name, void *base) {
	c_locale.classes = *__ctype_b_loc();
	c_locale.lower = *__ctype_tolower_loc();
	c_locale.upper = *__ctype_toupper_loc();
	for (int i = 0; i < 13; i++) c_locale.names[i] = "C";
	return &c_locale;
}
void *__duplocale(void *locale) { return locale ? locale : __newlocale(0, 0, 0); }
void __freelocale(void *locale) {}
