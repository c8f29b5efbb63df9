/* exec of watched processes, exec and exit of marked threads.
 *
 * The file is the one really executed (sched_process_exec). The arguments are those that the kernel laid out for the new
 * program, read before its first instruction: nobody can have changed them (of a script they begin with its
 * interpreter). Without the kernel's type information (task.h) they are read at the entry of execve instead, when
 * another thread of a hostile process could still change them; then at most 64, and 1 KiB each. Arguments past 4 KiB in
 * all are cut and the event says so. Failed attempts (execvp tries each entry of PATH) say nothing.
 * An exec also says which of the descriptors 0, 1 and 2 are sockets, and whether the file has no name on disk (a memfd,
 * a deleted file); for a script that is its interpreter's.
 * The exit code is the kernel's, or without type information exit_group's argument (a death by signal then shows 0).
 * Without type information a process whose threads go on after the first one has ended, or one of which calls exec, is
 * watched no more, but for what is marked.
 * Cost: two tracepoints for each exec of the host; about 5 us for one that is told.
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
  u32 streams; /* bits 0, 1, 2: the descriptor is a socket */
  u32 nameless;
  u32 policy; /* of a decision */
  u32 enforced;
  struct inet_address address; /* the other end of the first such socket */
  char name[NAME_SIZE];
  char path[PATH_SIZE];
  char data[ARGS_SIZE];
};

struct exit_event {
  struct head head;
  u32 code;
  u32 padding;
};

BPF_PERCPU_ARRAY(exec_scratch, struct exec_event, 1);

#ifdef HAS_TASK
static __always_inline void take_arguments(struct exec_event *event, u32 tid) {
  u64 memory = word_at(bpf_get_current_task() + TASK_MM);
  u64 start = word_at(memory + MM_ARG_START), length = word_at(memory + MM_ARG_END) - start;
  event->truncated = length > ARGS_SIZE;
  if (length > ARGS_SIZE)
    length = ARGS_SIZE;
  event->length = length;
  if (bpf_probe_read_user(event->data, length, (void *)start)) {
    event->length = 0;
    dropped(UNREADABLE);
  }
}

static __always_inline void forget_arguments(u32 tid) {}

static __always_inline void take_file(struct exec_event *event) {
  u64 file = word_at(word_at(bpf_get_current_task() + TASK_MM) + MM_EXE_FILE);
  event->nameless = file && !half_at(word_at(file + FILE_F_INODE) + INODE_I_NLINK);
  if (event->nameless)
    bpf_probe_read_kernel_str(event->name, NAME_SIZE, (void *)word_at(word_at(file + FILE_DENTRY) + DENTRY_NAME));
}
#else
BPF_PERCPU_ARRAY(arguments_scratch, struct arguments, 1);
BPF_HASH(pending_arguments, u32, struct arguments, MAX_EXECS);

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

static __always_inline void take_arguments(struct exec_event *event, u32 tid) {
  event->length = 0;
  event->truncated = 1;
  struct arguments *arguments = pending_arguments.lookup(&tid);
  if (!arguments)
    return;
  u32 length = arguments->length;
  if (length > ARGS_SIZE)
    length = ARGS_SIZE;
  event->length = length;
  event->truncated = arguments->truncated;
  bpf_probe_read_kernel(event->data, length, arguments->data);
  pending_arguments.delete(&tid);
}

static __always_inline void forget_arguments(u32 tid) { pending_arguments.delete(&tid); }

static __always_inline void take_file(struct exec_event *event) {}
#endif

static __always_inline void take_streams(struct exec_event *event) {
  for (int i = 0; i < 3; i++) {
    struct inet_address address = {};
    if (!socket_of(i, &address))
      continue;
    if (!event->address.port)
      event->address = address;
    event->streams |= 1 << i;
  }
}

TRACEPOINT_PROBE(sched, sched_process_exec) {
  u32 pid = args->pid, old = args->old_pid;
  u32 *watch_before = registered.lookup(&pid);
  volatile u32 watch = watch_before ? *watch_before : 0; /* else clang ors two pointers, which no verifier takes */
  u32 descends = (watch & ~WATCH_BITS) | (watch & (MAY_MARK | DESCENDS) ? DESCENDS : SESSION);
  if (watch && registered.update(&pid, &descends))
    dropped(REGISTERED_FULL);
  struct mark *found = marks.lookup(&old);
  if (!found && !watch)
    return 0;
  struct mark mark = {};
  if (found)
    mark = *found;
  if (found && old != pid) { /* another thread than the leader called exec: it takes the leader's id over */
    marks.delete(&old);
    if (marks.update(&pid, &mark))
      dropped(MARKS_FULL);
  }
  int zero = 0;
  struct exec_event *event = exec_scratch.lookup(&zero);
  if (!event)
    return 0;
  fill(&event->head, KIND_EXEC, &mark);
  event->streams = event->nameless = 0;
  event->address.family = event->address.port = 0;
  event->name[0] = 0;
  u32 where = args->data_loc_filename & 0xffff;
  bpf_probe_read_kernel_str(event->path, sizeof(event->path), (void *)args + where);
  take_arguments(event, old);
  take_streams(event);
  take_file(event);
  u32 length = event->length;
  event->policy = watch >> POLICY_SHIFT;
  u32 decided = judge_execution(watch, &mark, event->head.comm, event->path);
  event->enforced = decided == ENFORCE;
  if (length <= ARGS_SIZE && decided != ENFORCE)
    emit(event, offsetof(struct exec_event, data) + length);
  event->head.kind = KIND_DECISION_EXEC;
  if (length <= ARGS_SIZE && decided != OFF)
    emit(event, offsetof(struct exec_event, data) + length);
  return 0;
}

#ifdef HAS_TASK
static __always_inline u32 exit_code_of(u32 tgid) { return half_at(bpf_get_current_task() + TASK_EXIT_CODE); }
/* A thread other than the leader that calls exec ends the leader, and the process goes on. */
static __always_inline int is_last(u32 tgid, u32 tid) {
  return !half_at(word_at(bpf_get_current_task() + TASK_SIGNAL) + SIGNAL_STRUCT_LIVE);
}
static __always_inline void forget_exit_code(u32 tgid) {}
#else
BPF_HASH(exit_codes, u32, u32, MAX_EXECS);

static __always_inline int is_last(u32 tgid, u32 tid) { return tgid == tid; }

static __always_inline u32 exit_code_of(u32 tgid) {
  u32 *code = exit_codes.lookup(&tgid);
  return code ? (*code & 0xff) << 8 : 0;
}

static __always_inline void forget_exit_code(u32 tgid) { exit_codes.delete(&tgid); }

static __always_inline int keep_exit_code(u32 code) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  if (marks.lookup(&tid))
    exit_codes.update(&tgid, &code);
  return 0;
}

TRACEPOINT_PROBE(syscalls, sys_enter_exit_group) { return keep_exit_code(args->error_code); }
#endif

TRACEPOINT_PROBE(sched, sched_process_exit) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  int last = is_last(tgid, tid);
  struct mark *mark = marks.lookup(&tid);
  if (mark && last) {
    struct exit_event event = {};
    fill(&event.head, KIND_EXIT, mark);
    event.code = exit_code_of(tgid);
    emit(&event, sizeof(event));
  }
  if (mark) {
    marks.delete(&tid);
    forget_arguments(tid);
  }
  if (last) {
    registered.delete(&tgid);
    forget_exit_code(tgid);
  }
  return 0;
}
