/* Reaching into another process: ptrace that attaches or writes, process_vm_readv and _writev, pidfd_getfd.
 *
 * By watched processes. The target's pid is as the caller wrote it: in a container it is the container's.
 * Not caught: writing to /proc/PID/mem (an open with write access tells of it), and other processes that reach into a
 * watched one. Reading and stepping by ptrace is left out: the attach before it is told.
 * Cost: two look-ups for each such call.
 */
#define DEBUGGING \
  CALL(ptrace, KIND_PTRACE, watched, ATTACHES, NONE_SUCH, NONE_SUCH, 1, 0, NONE_SUCH) \
  CALL(process_vm_readv, KIND_PTRACE, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, NONE_SUCH, NONE_SUCH) \
  CALL(process_vm_writev, KIND_PTRACE, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, NONE_SUCH, NONE_SUCH) \
  CALL(pidfd_getfd, KIND_PTRACE, watched, ALWAYS, NONE_SUCH, NONE_SUCH, NONE_SUCH, NONE_SUCH, NONE_SUCH)
