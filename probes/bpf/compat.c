/* Marks of 32-bit processes on a 64-bit x86 kernel: their system calls fire no tracepoint of their own, only the raw one
 * of all system calls. Without the kernel's type information (task.h) also their arguments and exit codes.
 *
 * A 32-bit C library makes lseek an _llseek, the offset in two halves; pointers in argv are 4 bytes wide.
 * Not caught: calls of the 32-bit process itself, but a TCP connect or listen, which the socket's state tells (calls of
 * its 64-bit children are), and 32-bit calls that a 64-bit process makes on purpose.
 * Cost: 0.1 us for each system call of the host. So it is attached only while a 32-bit process is registered.
 */
#if defined(__x86_64__)

#define USER32_CS 0x23

enum call32 { EXECVE32 = 11, LLSEEK32 = 140, EXIT_GROUP32 = 252, EXECVEAT32 = 358 };

#ifdef HAS_TASK
#define TOLD32(call) ((call) == LLSEEK32)

static __always_inline int call32(u64 call, struct pt_regs *regs) { return 0; }
#else
#define TOLD32(call) \
  ((call) == LLSEEK32 || (call) == EXECVE32 || (call) == EXECVEAT32 || (call) == EXIT_GROUP32)

static __always_inline int call32(u64 call, struct pt_regs *regs) {
  if (call == EXIT_GROUP32)
    return keep_exit_code(regs->bx);
  return collect((void *)(u64)(u32)(call == EXECVE32 ? regs->cx : regs->dx), 4);
}
#endif

int on_call32(struct bpf_raw_tracepoint_args *ctx) {
  u64 call = ctx->args[1];
  if (!TOLD32(call))
    return 0;
  struct pt_regs regs;
  if (bpf_probe_read_kernel(&regs, sizeof(regs), (void *)ctx->args[0]) || regs.cs != USER32_CS)
    return 0;
  if (call == LLSEEK32)
    return regs.di == 0 ? mark_thread((u64)(u32)regs.cx << 32 | (u32)regs.dx) : 0;
  return call32(call, &regs);
}

#endif
