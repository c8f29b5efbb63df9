/* The mark: which request a thread serves.
 *
 * A registered thread group writes it with lseek(-1, 1 << 62 | id, SEEK_SET); id 0 takes it back. The call fails, but its
 * entry is traced, and no real file offset is that large. task_newtask copies it to every child, process or thread.
 * 32-bit processes on a 64-bit kernel: see compat.c. A mark is self-attested: code that runs in a registered process can
 * forge or clear its own thread's mark.
 * A thread that is marked with a request again, or with another one before the mark was taken back, serves requests by
 * turns (an event loop): what it does without the agent's knowledge may carry the mark of the wrong one.
 * Cost: one comparison for each lseek of the host, four look-ups for a mark, one or two for each clone.
 */
#define MARK_TAG (1ULL << 62)
#define CLONE_THREAD 0x00010000

struct fork_event {
  struct head head;
  u32 child;
  u32 padding;
};

static __always_inline void note_marking(u32 tid, u64 request_id) {
  struct marking *known = markings.lookup(&tid);
  if (!known) {
    struct marking first = {.last = request_id};
    markings.update(&tid, &first);
    return;
  }
  struct mark *before = marks.lookup(&tid);
  if (known->last == request_id || (before && before->attribution == EXACT))
    known->by_turns = 1;
  known->last = request_id;
}

static __always_inline int mark_thread(u64 value) {
  if (value < MARK_TAG || value >> 63)
    return 0;
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  u32 *watch = registered.lookup(&tgid);
  if (!watch || (*watch & (MAY_MARK | DESCENDS)) != MAY_MARK)
    return 0;
  struct mark mark = {.request_id = value & (MARK_TAG - 1), .attribution = EXACT};
  if (!mark.request_id)
    marks.delete(&tid);
  else {
    note_marking(tid, mark.request_id);
    if (marks.update(&tid, &mark))
      dropped(MARKS_FULL);
  }
  return 0;
}

TRACEPOINT_PROBE(syscalls, sys_enter_lseek) { return args->whence == 0 ? mark_thread(args->offset) : 0; }

static __always_inline void tell_fork(struct mark *mark, u32 child) {
  struct fork_event event = {.child = child};
  fill(&event.head, KIND_FORK, mark);
  emit(&event, sizeof(event));
}

TRACEPOINT_PROBE(task, task_newtask) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid, child = args->pid;
  int thread = args->clone_flags & CLONE_THREAD;
  u32 *watch = thread ? 0 : registered.lookup(&tgid), same = watch ? *watch : 0;
  if (same && registered.update(&child, &same))
    dropped(REGISTERED_FULL);
  struct mark *mark = marks.lookup(&tid);
  if (!mark) {
    if (same & SESSION)
      tell_fork(mark, child);
    return 0;
  }
  struct mark inherited = {
      .request_id = mark->request_id,
      .parent = thread ? mark->parent : tgid,
      .attribution = INHERITED,
  };
  if (marks.update(&child, &inherited))
    dropped(MARKS_FULL);
  if (thread)
    return 0;
  tell_fork(mark, child);
  return 0;
}
