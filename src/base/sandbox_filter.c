/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter is a list of (call, verdict) and a verdict for the rest, made into one comparison and
 * one return for each call. Its length costs nothing on the way of a query: the kernel keeps the
 * calls whose verdict depends on nothing else in a bitmap (Linux 5.11).
 *
 * Verdicts look at numbers only; what a pointer points to may change behind the filter's back. So a
 * path cannot be told from another, and a worker opens nothing. One kind of opening is refused
 * instead of being the end: glibc's own (malloc that returns memory looks at
 * /proc/sys/vm/overcommit_memory) asks for just reading and close-on-exec, and does without.
 */
#include "base/sandbox_intern.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

#if defined(__x86_64__)
#define FILTER_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define FILTER_ARCHITECTURE 0 /* unknown: no filter */
#endif

enum {
	INSTRUCTIONS_MAX = 512,
	X32_BIT = 0x40000000, /* the third set of numbers on x86-64 */
};

enum verdict {
	ALLOW,
	KILL,
	LACK, /* ENOSYS */
	NOT_EXECUTABLE, /* mmap, mprotect: without PROT_EXEC */
	OWN_PROCESS, /* tgkill: to ourselves, for abort() */
	GLIBC_OPEN, /* openat: EACCES for what glibc does on its own, else the end */
	THREAD_ONLY, /* clone: threads, no processes */
};

struct rule {
	long call;
	enum verdict verdict;
};

static const struct rule worker_rules[] = {
	{ SYS_recvmmsg, ALLOW },
	{ SYS_sendmmsg, ALLOW },
	{ SYS_recvfrom, ALLOW },
	{ SYS_sendto, ALLOW },
	{ SYS_recvmsg, ALLOW },
	{ SYS_sendmsg, ALLOW },
	{ SYS_read, ALLOW },
	{ SYS_readv, ALLOW },
	{ SYS_write, ALLOW },
	{ SYS_writev, ALLOW },
	{ SYS_accept4, ALLOW },
	{ SYS_accept, ALLOW },
	{ SYS_shutdown, ALLOW },
	{ SYS_close, ALLOW },
	{ SYS_getsockopt, ALLOW },
	{ SYS_setsockopt, ALLOW },
	{ SYS_getsockname, ALLOW },
	{ SYS_getpeername, ALLOW },
	{ SYS_epoll_ctl, ALLOW },
	{ SYS_epoll_pwait, ALLOW },
	{ SYS_ppoll, ALLOW },
#ifdef SYS_epoll_pwait2
	{ SYS_epoll_pwait2, ALLOW },
#endif
#ifdef SYS_epoll_wait /* not on newer architectures */
	{ SYS_epoll_wait, ALLOW },
	{ SYS_poll, ALLOW },
	{ SYS_time, ALLOW },
	{ SYS_open, KILL },
	{ SYS_creat, KILL },
	{ SYS_fork, KILL },
	{ SYS_vfork, KILL },
#endif
	{ SYS_futex, ALLOW },
	{ SYS_membarrier, ALLOW },
	{ SYS_sched_yield, ALLOW },
	{ SYS_sched_getaffinity, ALLOW },
	{ SYS_getcpu, ALLOW },
	{ SYS_clock_gettime, ALLOW },
	{ SYS_clock_nanosleep, ALLOW },
	{ SYS_nanosleep, ALLOW },
	{ SYS_gettimeofday, ALLOW },
	{ SYS_getrandom, ALLOW },
	{ SYS_getpid, ALLOW },
	{ SYS_gettid, ALLOW },
	{ SYS_mmap, NOT_EXECUTABLE },
	{ SYS_mprotect, NOT_EXECUTABLE },
	{ SYS_munmap, ALLOW },
	{ SYS_mremap, ALLOW },
	{ SYS_madvise, ALLOW },
	{ SYS_brk, ALLOW },
	{ SYS_rt_sigaction, ALLOW },
	{ SYS_rt_sigprocmask, ALLOW },
	{ SYS_rt_sigreturn, ALLOW },
	{ SYS_sigaltstack, ALLOW },
	{ SYS_restart_syscall, ALLOW },
	{ SYS_tgkill, OWN_PROCESS },
	{ SYS_exit, ALLOW },
	{ SYS_exit_group, ALLOW },
	{ SYS_set_robust_list, ALLOW },
#ifdef SYS_rseq
	{ SYS_rseq, ALLOW },
#endif
	/* What nobody but an intruder calls. */
	{ SYS_openat, GLIBC_OPEN },
	{ SYS_openat2, KILL },
	{ SYS_socket, KILL },
	{ SYS_socketpair, KILL },
	{ SYS_connect, KILL },
	{ SYS_bind, KILL },
	{ SYS_listen, KILL },
	{ SYS_clone, KILL },
	{ SYS_clone3, KILL },
	{ SYS_kill, KILL },
	{ SYS_tkill, KILL },
	{ SYS_memfd_create, KILL },
	{ SYS_capset, KILL },
};

/* For every role. Not capset: a thread's threads enter, too. */
static const struct rule common_rules[] = {
	{ SYS_execve, KILL },
	{ SYS_execveat, KILL },
	{ SYS_ptrace, KILL },
	{ SYS_process_vm_readv, KILL },
	{ SYS_process_vm_writev, KILL },
	{ SYS_mount, KILL },
	{ SYS_umount2, KILL },
	{ SYS_move_mount, KILL },
	{ SYS_open_tree, KILL },
	{ SYS_fsopen, KILL },
	{ SYS_pivot_root, KILL },
	{ SYS_chroot, KILL },
	{ SYS_unshare, KILL },
	{ SYS_setns, KILL },
	{ SYS_bpf, KILL },
	{ SYS_perf_event_open, KILL },
	{ SYS_userfaultfd, KILL },
	{ SYS_io_uring_setup, KILL },
	{ SYS_keyctl, KILL },
	{ SYS_add_key, KILL },
	{ SYS_request_key, KILL },
	{ SYS_init_module, KILL },
	{ SYS_finit_module, KILL },
	{ SYS_delete_module, KILL },
	{ SYS_kexec_load, KILL },
	{ SYS_reboot, KILL },
	{ SYS_swapon, KILL },
	{ SYS_swapoff, KILL },
	{ SYS_setuid, KILL },
	{ SYS_setresuid, KILL },
	{ SYS_setreuid, KILL },
	{ SYS_setgid, KILL },
	{ SYS_setresgid, KILL },
	{ SYS_setregid, KILL },
	{ SYS_setgroups, KILL },
};

static const struct rule thread_rules[] = {
#ifdef SYS_fork
	{ SYS_fork, KILL },
	{ SYS_vfork, KILL },
#endif
	{ SYS_clone, THREAD_ONLY },
	/* Its flags lie in memory; without it glibc takes clone. */
	{ SYS_clone3, LACK },
};

struct program {
	struct sock_filter code[INSTRUCTIONS_MAX];
	size_t n;
};

static void add(struct program *program, struct sock_filter instruction)
{
	if (program->n < INSTRUCTIONS_MAX) {
		program->code[program->n] = instruction;
	}
	program->n++;
}

static void add_load(struct program *program, size_t offset)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset)));
}

static void add_jump(struct program *program, uint16_t test, uint32_t value, uint8_t yes,
		     uint8_t no)
{
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, yes, no));
}

static void add_return(struct program *program, uint32_t action)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The lower half of argument `i`; both architectures are little-endian. */
static size_t argument(size_t i)
{
	return offsetof(struct seccomp_data, args) + i * sizeof(uint64_t);
}

/* Loads an argument, tests it, and returns one of two actions. */
static void add_choice(struct program *program, size_t i, uint16_t test, uint32_t value,
		       uint32_t yes, uint32_t no)
{
	add_load(program, argument(i));
	add_jump(program, test, value, 0, 1);
	add_return(program, yes);
	add_return(program, no);
}

static const uint32_t kill_all = SECCOMP_RET_KILL_PROCESS;

static void add_verdict(struct program *program, enum verdict verdict)
{
	switch (verdict) {
	case ALLOW:
		add_return(program, SECCOMP_RET_ALLOW);
		break;
	case KILL:
		add_return(program, kill_all);
		break;
	case LACK:
		add_return(program, SECCOMP_RET_ERRNO | ENOSYS);
		break;
	case NOT_EXECUTABLE:
		add_choice(program, 2, BPF_JSET, PROT_EXEC, kill_all, SECCOMP_RET_ALLOW);
		break;
	case OWN_PROCESS:
		add_choice(program, 0, BPF_JEQ, (uint32_t)getpid(), SECCOMP_RET_ALLOW, kill_all);
		break;
	case GLIBC_OPEN:
		add_choice(program, 2, BPF_JEQ, O_RDONLY | O_CLOEXEC, SECCOMP_RET_ERRNO | EACCES,
			   kill_all);
		break;
	case THREAD_ONLY:
		add_choice(program, 0, BPF_JSET, CLONE_THREAD, SECCOMP_RET_ALLOW, kill_all);
		break;
	}
}

static void add_rules(struct program *program, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t jump = program->n;
		size_t behind;

		add_jump(program, BPF_JEQ, (uint32_t)rules[i].call, 0, 0);
		add_verdict(program, rules[i].verdict);
		/* When it is another call: to the next rule. */
		behind = program->n - jump - 1;
		if (program->n <= INSTRUCTIONS_MAX) {
			program->code[jump].jf = (uint8_t)behind;
		}
	}
}

static void build(struct program *program, enum sandbox_role role)
{
	add_load(program, offsetof(struct seccomp_data, arch));
	add_jump(program, BPF_JEQ, FILTER_ARCHITECTURE, 1, 0);
	add_return(program, kill_all);
	add_load(program, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	add_jump(program, BPF_JGE, X32_BIT, 0, 1);
	add_return(program, kill_all);
#endif
	if (role == SANDBOX_WORKER) {
		add_rules(program, worker_rules, ARRAY_SIZE(worker_rules));
		add_rules(program, common_rules, ARRAY_SIZE(common_rules));
		add_verdict(program, LACK);
	} else {
		add_rules(program, common_rules, ARRAY_SIZE(common_rules));
		add_rules(program, thread_rules, ARRAY_SIZE(thread_rules));
		add_verdict(program, ALLOW);
	}
}

bool sandbox_filter_install(enum sandbox_role role)
{
	struct program program = { .n = 0 };
	struct sock_fprog filter = { .filter = program.code };

	if (FILTER_ARCHITECTURE == 0) {
		return false;
	}
	build(&program, role);
	if (program.n > INSTRUCTIONS_MAX) {
		return false;
	}
	filter.len = (unsigned short)program.n;
	/*
	 * Old kernels slow a filtered thread down for the sake of Spectre unless told not to; the
	 * flag is not known everywhere.
	 */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		       &filter) == 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

bool sandbox_filter_is_known(void)
{
	uint32_t action = kill_all;

	return FILTER_ARCHITECTURE != 0 &&
	       syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}
