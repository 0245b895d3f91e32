/* The first process of a container under test: prints its argv and its process id, then ends.
 *
 * It stands in for whatever program the container starts, /bin/sh included, in an image that has no
 * file at all. So it is static, and small because it is sent to remote engines for each start. With
 * GCC or Clang for x86-64, AArch64 and RISC-V it brings its own three system calls and no libc;
 * elsewhere it is an ordinary program, to be linked with -static.
 *
 * Words are printed as hex: an engine's log turns a byte that is no UTF-8 into U+FFFD, a terminal
 * turns a newline into two, and both may cut a long line. The last line counts the bytes before it, so
 * that a reader knows whether all has arrived:
 *
 *     entrysem-probe 1
 *     pid 1
 *     argv 2
 *     2f62696e2f7368
 *     2d63
 *     end 49
 *
 * When it is not process 1, an init is: that one's /proc/1/cmdline is one more line, `init HEX`.
 */

typedef unsigned long word;

#if defined(LIBC)
#elif defined(__x86_64__)
#define NR_READ 0
#define NR_WRITE 1
#define NR_GETPID 39
#define NR_EXIT 231
#define NR_OPENAT 257
static long call(long n, long a, long b, long c)
{
	long r;
	register long d __asm__("r10") = 0;
	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(d) : "rcx", "r11", "memory");
	return r;
}
__asm__(".text\n.globl _start\n_start: xor %ebp,%ebp; mov %rsp,%rdi; and $-16,%rsp; call start\n");
#elif defined(__aarch64__) || (defined(__riscv) && __riscv_xlen == 64)
#define NR_READ 63
#define NR_WRITE 64
#define NR_GETPID 172
#define NR_EXIT 94
#define NR_OPENAT 56
#if defined(__aarch64__)
static long call(long n, long a, long b, long c)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = 0;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
__asm__(".text\n.globl _start\n_start: mov x0, sp\n b start\n");
#else
static long call(long n, long a, long b, long c)
{
	register long a7 __asm__("a7") = n;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = 0;
	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
	return a0;
}
__asm__(".text\n.globl _start\n_start: mv a0, sp\n tail start\n");
#endif
#else
#define LIBC
#endif

#ifdef LIBC
#include <fcntl.h>
#include <unistd.h>
#define get(fd, to, n) read(fd, to, n)
#define put(from, n) write(1, from, n)
#define pid() getpid()
#define cmdline() open("/proc/1/cmdline", O_RDONLY)
#else
#define get(fd, to, n) call(NR_READ, fd, (long)(to), n)
#define put(from, n) call(NR_WRITE, 1, (long)(from), n)
#define pid() call(NR_GETPID, 0, 0, 0)
#define cmdline() call(NR_OPENAT, -100, (long)"/proc/1/cmdline", 0)
#endif

static char buffer[8192];
static word filled, total;

static void flush(void)
{
	word done = 0;
	while (done < filled) {
		long n = put(buffer + done, filled - done);
		if (n == -4) /* EINTR */
			continue;
		if (n <= 0)
			break;
		done += n;
	}
	filled = 0;
}

static void out(char c)
{
	if (filled == sizeof buffer)
		flush();
	buffer[filled++] = c;
	total++;
}

static void text(const char *s)
{
	while (*s)
		out(*s++);
}

static void number(word n)
{
	char digits[24];
	int i = 0;
	do {
		digits[i++] = '0' + n % 10;
		n /= 10;
	} while (n);
	while (i)
		out(digits[--i]);
	out('\n');
}

static void hex(unsigned char c)
{
	out("0123456789abcdef"[c >> 4]);
	out("0123456789abcdef"[c & 15]);
}

static void report(word argc, char **argv)
{
	static unsigned char read_from[4096];
	word me = pid(), i;
	const char *s;

	text("entrysem-probe 1\npid ");
	number(me);
	text("argv ");
	number(argc);
	for (i = 0; i < argc; i++) {
		for (s = argv[i]; *s; s++)
			hex(*s);
		out('\n');
	}
	if (me != 1) {
		long file = cmdline(), n, k;
		if (file >= 0) {
			text("init ");
			while ((n = get(file, read_from, sizeof read_from)) > 0)
				for (k = 0; k < n; k++)
					hex(read_from[k]);
			out('\n');
		}
	}
	i = total;
	text("end ");
	number(i);
	flush();
}

#ifdef LIBC
int main(int argc, char **argv)
{
	report(argc, argv);
	return 0;
}
#else
__attribute__((used, noreturn)) void start(word *stack)
{
	report(stack[0], (char **)(stack + 1));
	for (;;)
		call(NR_EXIT, 0, 0, 0);
}
#endif
