/* Executions denied before they begin, by the kernel's BPF LSM: execve fails with EPERM and its caller goes on.
 *
 * Called when the kernel has opened the file (of a script: again for its interpreter) and before it gives up the old
 * program. Attached while a policy wants it and where the kernel lets us; what passes here is judged once more when the
 * new program is loaded (policy.h), so that a shell that only the name in the call gives away ends there.
 * Not caught: as in policy.h. A denial has no arguments: the new program's do not stand anywhere yet.
 * Cost: one look-up for each exec of the host, while it is attached.
 */
#define EPERM 1

#ifdef HAS_TASK
int on_execution(u64 *ctx) {
  u64 binary = ctx[0], pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  u32 number;
  struct policy *policy = policy_of(tgid, &number);
  if (!policy)
    return 0;
  struct mark *mark = marks.lookup(&tid);
  int zero = 0;
  struct exec_event *event = exec_scratch.lookup(&zero);
  if (!event || mode_of(policy, mark) != ENFORCE)
    return 0;
  u64 file = word_at(binary + LINUX_BINPRM_FILE);
  char real[NAME_SIZE] = {};
  bpf_probe_read_kernel_str(real, NAME_SIZE, (void *)word_at(word_at(file + FILE_DENTRY) + DENTRY_NAME));
  bpf_probe_read_kernel_str(event->path, PATH_SIZE, (void *)word_at(binary + LINUX_BINPRM_FILENAME));
  if (may_execute(policy, number, real, real, event->path))
    return 0;
  fill(&event->head, KIND_DECISION_EXEC, mark);
  event->policy = number;
  event->enforced = event->truncated = 1;
  event->length = event->streams = 0;
  event->address.family = event->address.port = 0;
  event->nameless = !half_at(word_at(file + FILE_F_INODE) + INODE_I_NLINK);
  __builtin_memcpy(event->name, real, NAME_SIZE);
  emit(event, offsetof(struct exec_event, data));
  return -EPERM;
}
#endif
