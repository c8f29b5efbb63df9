/* How system calls are told: at their return, when the result is known, with the arguments that they were made with.
 *
 * Each subject describes its calls in a table; one program (calls.c) serves them all. ATTACH(PROGRAM, CALL) and the
 * lines of the tables are what probes/compile.py reads to attach them, where the kernel has the call.
 * The arguments are the user's registers as they still stand at the return (x86-64, Linux 5.15 and later), else they
 * are kept from the entry. What an argument points to is read at the return: another thread may have changed it since
 * the kernel used it.
 * Not caught: calls of 32-bit processes on a 64-bit kernel, and calls that io_uring makes (io_uring.c).
 * Cost: two look-ups for each such call of the host, and the telling of those that are told.
 */
#include <asm/unistd.h>

#define ATTACH(program, call)
#define NONE_SUCH 7 /* an argument that there is not */

struct sys_enter {
  u64 common;
  s32 number;
  u32 garbage; /* newer kernels leave it as it was */
  u64 args[6];
};

struct sys_exit {
  u64 common;
  s32 number;
  u32 garbage;
  s64 result;
};

struct call {
  u64 args[8]; /* the last two are 0 */
};

struct call_event {
  struct head head;
  s32 result;
  u32 operation;
  u64 first;
  u64 second;
  u64 third;
  char text[PATH_SIZE];
  char more[PATH_SIZE];
};

enum operation {
  OP_unlink = 0, OP_unlinkat, OP_rmdir, OP_rename, OP_renameat, OP_renameat2, OP_link, OP_linkat, OP_symlink,
  OP_symlinkat, OP_chmod, OP_fchmod, OP_fchmodat, OP_fchmodat2, OP_memfd_create, OP_mmap, OP_mprotect, OP_pkey_mprotect,
  OP_dup, OP_dup2, OP_dup3, OP_ptrace, OP_process_vm_readv, OP_process_vm_writev, OP_pidfd_getfd, OP_setuid, OP_setgid,
  OP_setreuid, OP_setregid, OP_setresuid, OP_setresgid, OP_setgroups, OP_capset, OP_init_module, OP_finit_module,
  OP_delete_module, OP_bpf, OP_mount, OP_umount2, OP_move_mount, OP_pivot_root, OP_unshare, OP_setns, OP_bind,
  OP_listen, OP_sendto, OP_sendmsg, OP_sendmmsg, OP_connect, OP_signal, OP_execve, OP_truncate, OP_ftruncate,
  OP_chown, OP_lchown, OP_fchown, OP_fchownat, OP_mkdir, OP_mknod,
};

/* Calls that some architectures, or the headers of some systems, do not have. */
#define MISSING(operation) (-1000 - operation)
#ifndef __NR_unlink
#define __NR_unlink MISSING(OP_unlink)
#endif
#ifndef __NR_rmdir
#define __NR_rmdir MISSING(OP_rmdir)
#endif
#ifndef __NR_rename
#define __NR_rename MISSING(OP_rename)
#endif
#ifndef __NR_renameat
#define __NR_renameat MISSING(OP_renameat)
#endif
#ifndef __NR_link
#define __NR_link MISSING(OP_link)
#endif
#ifndef __NR_symlink
#define __NR_symlink MISSING(OP_symlink)
#endif
#ifndef __NR_chmod
#define __NR_chmod MISSING(OP_chmod)
#endif
#ifndef __NR_chown
#define __NR_chown MISSING(OP_chown)
#endif
#ifndef __NR_lchown
#define __NR_lchown MISSING(OP_lchown)
#endif
#ifndef __NR_dup2
#define __NR_dup2 MISSING(OP_dup2)
#endif
#ifndef __NR_umount2
#define __NR_umount2 MISSING(OP_umount2)
#endif
#ifndef __NR_pkey_mprotect
#define __NR_pkey_mprotect MISSING(OP_pkey_mprotect)
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_move_mount
#define __NR_move_mount 429
#endif
#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438
#endif

BPF_PERCPU_ARRAY(call_scratch, struct call_event, 1);
BPF_PERCPU_ARRAY(argument_scratch, struct call, 1);

#ifdef HAS_TASK_PT_REGS
static __always_inline struct call *arguments_of(void) {
  int zero = 0;
  struct pt_regs regs = {};
  struct call *call = argument_scratch.lookup(&zero);
  if (!call || bpf_probe_read_kernel(&regs, sizeof(regs), (void *)bpf_task_pt_regs(bpf_get_current_task_btf())))
    return 0;
  call->args[0] = regs.di;
  call->args[1] = regs.si;
  call->args[2] = regs.dx;
  call->args[3] = regs.r10;
  call->args[4] = regs.r8;
  call->args[5] = regs.r9;
  return call;
}

static __always_inline struct call *seen_arguments(void) { return arguments_of(); }
#else
BPF_HASH(calls, u32, struct call, MAX_CALLS);

/* Attached to the entry of every call in a table. */
int keep_arguments(struct sys_enter *ctx) {
  u32 tid = bpf_get_current_pid_tgid();
  struct mark *mark;
  struct call call = {};
  if (!watched(&mark))
    return 0;
  bpf_probe_read_kernel(call.args, 48, ctx->args);
  if (calls.update(&tid, &call))
    dropped(SCRATCH_FULL);
  return 0;
}

/* For programs that come before the one that has the arguments last. */
static __always_inline struct call *seen_arguments(void) {
  u32 tid = bpf_get_current_pid_tgid();
  int zero = 0;
  struct call *kept = calls.lookup(&tid), *call = argument_scratch.lookup(&zero);
  if (!kept || !call)
    return 0;
  *call = *kept;
  return call;
}

static __always_inline struct call *arguments_of(void) {
  u32 tid = bpf_get_current_pid_tgid();
  struct call *call = seen_arguments();
  calls.delete(&tid);
  return call;
}
#endif

/* A call with numbers only. */
static __always_inline void tell(struct mark *mark, u32 kind, u32 op, s64 result, u64 first, u64 second) {
  int zero = 0;
  struct call_event *event = call_scratch.lookup(&zero);
  if (!event)
    return;
  fill(&event->head, kind, mark);
  event->result = result;
  event->operation = op;
  event->first = first;
  event->second = second;
  event->third = 0;
  emit(event, offsetof(struct call_event, text));
}
