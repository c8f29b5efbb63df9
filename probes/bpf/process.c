/* exec and exit of marked threads.
 *
 * The file is the one really executed (sched_process_exec); the arguments are read at the entry of execve, when another
 * thread of a hostile process could still change them. Failed attempts (execvp tries each entry of PATH) say nothing.
 * Arguments past 64, or past 4 KiB in all, or past 1 KiB each, are cut and the event says so.
 * The exit code is exit_group's argument; a death by signal shows 0.
 * Cost: two tracepoints for each exec of the host; about 5 us for a marked one.
 */
struct arguments {
  u32 length;
  u32 truncated;
  char data[ARGS_SIZE + ARG_SIZE];
};

struct exec_event {
  struct head head;
  u32 length; /* of data */
  u32 truncated;
  char path[PATH_SIZE];
  char data[ARGS_SIZE];
};

struct exit_event {
  struct head head;
  u32 code;
  u32 padding;
};

BPF_PERCPU_ARRAY(arguments_scratch, struct arguments, 1);
BPF_PERCPU_ARRAY(exec_scratch, struct exec_event, 1);
BPF_HASH(pending_arguments, u32, struct arguments, MAX_EXECS);
BPF_HASH(exit_codes, u32, u32, MAX_EXECS);

/* `width`: of a pointer in argv. */
static __always_inline int collect(const void *argv, u32 width) {
  u32 tid = bpf_get_current_pid_tgid();
  int zero = 0;
  if (!marks.lookup(&tid))
    return 0;
  struct arguments *scratch = arguments_scratch.lookup(&zero);
  if (!scratch)
    return 0;
  u32 offset = 0;
  scratch->truncated = 1;
  for (int i = 0; i <= MAX_ARGS; i++) {
    u64 argument = 0;
    if (bpf_probe_read_user(&argument, width, argv + i * width) || !argument) {
      scratch->truncated = 0;
      break;
    }
    if (i == MAX_ARGS || offset >= ARGS_SIZE)
      break;
    long length = bpf_probe_read_user_str(&scratch->data[offset & (ARGS_SIZE - 1)], ARG_SIZE, (void *)argument);
    if (length < 0) {
      dropped(UNREADABLE);
      break;
    }
    offset += length;
    if (length >= ARG_SIZE)
      break;
  }
  if (offset > ARGS_SIZE) {
    offset = ARGS_SIZE;
    scratch->truncated = 1;
  }
  scratch->length = offset;
  if (pending_arguments.update(&tid, scratch))
    dropped(SCRATCH_FULL);
  return 0;
}

TRACEPOINT_PROBE(syscalls, sys_enter_execve) { return collect(args->argv, sizeof(void *)); }

TRACEPOINT_PROBE(syscalls, sys_enter_execveat) { return collect(args->argv, sizeof(void *)); }

static __always_inline int forget_failed(long result) {
  u32 tid = bpf_get_current_pid_tgid();
  if (result < 0)
    pending_arguments.delete(&tid);
  return 0;
}

TRACEPOINT_PROBE(syscalls, sys_exit_execve) { return forget_failed(args->ret); }

TRACEPOINT_PROBE(syscalls, sys_exit_execveat) { return forget_failed(args->ret); }

TRACEPOINT_PROBE(sched, sched_process_exec) {
  u32 pid = args->pid, old = args->old_pid;
  registered.delete(&pid);
  struct mark *found = marks.lookup(&old);
  if (!found)
    return 0;
  struct mark mark = *found;
  if (old != pid) { /* another thread than the leader called exec: it takes the leader's id over */
    marks.delete(&old);
    if (marks.update(&pid, &mark))
      dropped(MARKS_FULL);
  }
  int zero = 0;
  struct exec_event *event = exec_scratch.lookup(&zero);
  if (!event)
    return 0;
  fill(&event->head, KIND_EXEC, &mark);
  event->length = 0;
  event->truncated = 1;
  u32 where = args->data_loc_filename & 0xffff;
  bpf_probe_read_kernel_str(event->path, sizeof(event->path), (void *)args + where);
  struct arguments *arguments = pending_arguments.lookup(&old);
  if (arguments) {
    u32 length = arguments->length;
    if (length > ARGS_SIZE)
      length = ARGS_SIZE;
    event->length = length;
    event->truncated = arguments->truncated;
    bpf_probe_read_kernel(event->data, length, arguments->data);
    pending_arguments.delete(&old);
    emit(event, offsetof(struct exec_event, data) + length);
  } else {
    emit(event, offsetof(struct exec_event, data));
  }
  return 0;
}

static __always_inline int keep_exit_code(u32 code) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  if (marks.lookup(&tid))
    exit_codes.update(&tgid, &code);
  return 0;
}

TRACEPOINT_PROBE(syscalls, sys_enter_exit_group) { return keep_exit_code(args->error_code); }

TRACEPOINT_PROBE(sched, sched_process_exit) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  struct mark *mark = marks.lookup(&tid);
  if (mark && tgid == tid) {
    struct exit_event event = {};
    u32 *code = exit_codes.lookup(&tgid);
    fill(&event.head, KIND_EXIT, mark);
    event.code = code ? (*code & 0xff) << 8 : 0;
    emit(&event, sizeof(event));
  }
  if (mark) {
    marks.delete(&tid);
    pending_arguments.delete(&tid);
  }
  if (tgid == tid) {
    registered.delete(&tgid);
    exit_codes.delete(&tgid);
  }
  return 0;
}
