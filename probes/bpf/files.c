/* Opens in marked threads, and opens of sensitive paths by anybody.
 *
 * The path is as the program gave it (not resolved), read at the return of the call, from the user's registers as they
 * still stand there: another thread could change it meanwhile. Where these cannot be had (calls.h) a path of others than
 * marked threads is read at the entry, and missed if it lies in memory that is not paged in yet (counted as unreadable).
 * Not caught: open_by_handle_at, io_uring, and sensitive files by another name (link, mount, relative path).
 * Cost: two look-ups for each open of the host, and the reading of its path's first 64 bytes.
 */
struct open_event {
  struct head head;
  s32 result;
  u32 flags;
  char path[PATH_SIZE];
};

struct opening {
  u64 path;
  u64 flags;
};

struct sensitive {
  char path[SENSITIVE_SIZE];
};

BPF_HASH(sensitive_paths, struct sensitive, u32, MAX_SENSITIVE);

static __always_inline int is_sensitive(const char *path) {
  struct sensitive head = {};
  return bpf_probe_read_user_str(head.path, sizeof(head.path), path) >= 0 && sensitive_paths.lookup(&head);
}

#ifdef HAS_TASK_PT_REGS
static __always_inline int opened(s32 number, struct mark *mark, struct opening *call) {
  u64 regs = (u64)bpf_task_pt_regs(bpf_get_current_task_btf());
  int plain = number == __NR_open || number == __NR_creat;
  call->path = word_at(regs + (plain ? offsetof(struct pt_regs, di) : offsetof(struct pt_regs, si)));
  if (number == __NR_open_by_handle_at || (!mark && !is_sensitive((const char *)call->path)))
    return 0;
  call->flags = word_at(regs + (plain ? offsetof(struct pt_regs, si) : offsetof(struct pt_regs, dx)));
  if (number == __NR_creat)
    call->flags = 01101;
  if (number == __NR_openat2 && bpf_probe_read_user(&call->flags, sizeof(call->flags), (void *)call->flags))
    call->flags = 0;
  return 1;
}
#else
BPF_HASH(opening, u32, struct opening, MAX_CALLS);

static __always_inline int open_entry(const char *path, u64 flags) {
  u32 tid = bpf_get_current_pid_tgid();
  struct opening call = {.path = (u64)path, .flags = flags};
  if ((marks.lookup(&tid) || is_sensitive(path)) && opening.update(&tid, &call))
    dropped(SCRATCH_FULL);
  return 0;
}

static __always_inline int opened(s32 number, struct mark *mark, struct opening *call) {
  u32 tid = bpf_get_current_pid_tgid();
  struct opening *kept = opening.lookup(&tid);
  if (!kept)
    return 0;
  *call = *kept;
  opening.delete(&tid);
  return 1;
}

TRACEPOINT_PROBE(syscalls, sys_enter_openat) { return open_entry(args->filename, args->flags); }

#ifdef HAS_OPEN
TRACEPOINT_PROBE(syscalls, sys_enter_open) { return open_entry(args->filename, args->flags); }

TRACEPOINT_PROBE(syscalls, sys_enter_creat) { return open_entry(args->pathname, 01101); }

#endif

#ifdef HAS_OPENAT2
TRACEPOINT_PROBE(syscalls, sys_enter_openat2) {
  u64 flags = 0;
  bpf_probe_read_user(&flags, sizeof(flags), args->how);
  return open_entry(args->filename, flags);
}

#endif
#endif

ATTACH(on_opened, openat)
ATTACH(on_opened, open)
ATTACH(on_opened, creat)
ATTACH(on_opened, openat2)
ATTACH(on_opened, open_by_handle_at)
int on_opened(struct sys_exit *ctx) {
  u32 tid = bpf_get_current_pid_tgid();
  s64 result = ctx->result;
  s32 number = ctx->number;
  struct opening call = {};
  u32 judged = result >= 0 ? judge_file(result, marks.lookup(&tid)) : OFF;
  struct mark *mark = marks.lookup(&tid);
  if (!opened(number, mark, &call) || judged == ENFORCE)
    return 0;
  struct open_event event = {.result = result, .flags = call.flags};
  long length = bpf_probe_read_user_str(event.path, sizeof(event.path), (void *)call.path);
  if (length < 0)
    dropped(UNREADABLE);
  fill(&event.head, KIND_OPEN, mark);
  u64 size = offsetof(struct open_event, path) + (length & (2 * PATH_SIZE - 1));
  size = size < sizeof(event) ? size : sizeof(event);
  if (mark)
    emit_bulk(&event, size);
  else /* of a sensitive path: few, and worth much */
    emit_evidence(&event, size);
  return 0;
}
