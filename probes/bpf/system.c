/* Reaching into the kernel and its view of files: modules, bpf(), mounts, namespaces; by watched processes.
 *
 * Not caught: what kexec, /dev/mem, and writes below /proc/sys and /sys do (opens with write access tell), clone with
 * new namespaces. Paths are read at the return. Cost: nothing to speak of; these calls are rare.
 */
#define SYSTEM \
  CALL(init_module, KIND_MODULE, watched, ALWAYS, 2, NONE_SUCH, 1, NONE_SUCH, NONE_SUCH) \
  CALL(finit_module, KIND_MODULE, watched, ALWAYS, 1, NONE_SUCH, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(delete_module, KIND_MODULE, watched, ALWAYS, 0, NONE_SUCH, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(bpf, KIND_BPF, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, NONE_SUCH, NONE_SUCH) \
  CALL(mount, KIND_MOUNT, watched, ALWAYS, 0, 1, 3, NONE_SUCH, NONE_SUCH) \
  CALL(umount2, KIND_MOUNT, watched, ALWAYS, 0, NONE_SUCH, 1, NONE_SUCH, NONE_SUCH) \
  CALL(move_mount, KIND_MOUNT, watched, ALWAYS, 1, 3, 4, NONE_SUCH, NONE_SUCH) \
  CALL(pivot_root, KIND_MOUNT, watched, ALWAYS, 0, 1, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(unshare, KIND_NAMESPACE, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, NONE_SUCH, NONE_SUCH) \
  CALL(setns, KIND_NAMESPACE, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 1, 0, NONE_SUCH)
