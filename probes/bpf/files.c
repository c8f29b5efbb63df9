/* Opens in marked threads, and opens of sensitive paths by anybody.
 *
 * The path is as the program gave it (not resolved), read at the entry: another thread could still change it. A path in
 * memory that is not paged in yet cannot be read there; it is read again at the return for marked threads, and missed
 * (counted as unreadable) for others.
 * Not caught: open_by_handle_at, io_uring, and sensitive files by another name (link, mount, relative path).
 * Cost: one look-up for each open of the host, and the reading of its path's first 64 bytes.
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

BPF_HASH(opening, u32, struct opening, MAX_CALLS);
BPF_HASH(sensitive_paths, struct sensitive, u32, MAX_SENSITIVE);

static __always_inline int open_entry(const char *path, u64 flags) {
  u32 tid = bpf_get_current_pid_tgid();
  struct opening call = {.path = (u64)path, .flags = flags};
  if (!marks.lookup(&tid)) {
    struct sensitive head = {};
    if (bpf_probe_read_user_str(head.path, sizeof(head.path), path) < 0 || !sensitive_paths.lookup(&head))
      return 0;
  }
  if (opening.update(&tid, &call))
    dropped(SCRATCH_FULL);
  return 0;
}

ATTACH(on_opened, openat)
ATTACH(on_opened, open)
ATTACH(on_opened, creat)
ATTACH(on_opened, openat2)
ATTACH(on_opened, open_by_handle_at)
int on_opened(struct sys_exit *ctx) {
  u32 tid = bpf_get_current_pid_tgid();
  struct opening *call = opening.lookup(&tid);
  if (ctx->result >= 0 && judge_file(ctx->result, marks.lookup(&tid)) == ENFORCE) {
    opening.delete(&tid);
    return 0;
  }
  if (!call)
    return 0;
  struct open_event event = {.result = ctx->result, .flags = call->flags};
  long length = bpf_probe_read_user_str(event.path, sizeof(event.path), (void *)call->path);
  if (length < 0)
    dropped(UNREADABLE);
  struct mark *mark = marks.lookup(&tid);
  fill(&event.head, KIND_OPEN, mark);
  u64 size = offsetof(struct open_event, path) + (length & (2 * PATH_SIZE - 1));
  size = size < sizeof(event) ? size : sizeof(event);
  if (mark)
    emit_bulk(&event, size);
  else /* of a sensitive path: few, and worth much */
    emit(&event, size);
  opening.delete(&tid);
  return 0;
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
