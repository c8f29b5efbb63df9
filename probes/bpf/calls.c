/* The program that tells the calls of every table: see calls.h and the subjects.
 *
 * Cost: see calls.h. The tables are compiled into a few comparisons.
 */
#define PROT_EXEC_BIT 4
#define MAP_ANONYMOUS_BIT 0x20

enum filter { ALWAYS, ANONYMOUS, EXECUTABLE, ATTACHES, CAPABILITIES };

struct capability_set {
  u32 effective;
  u32 permitted;
  u32 inheritable;
};

/* CALL(name, kind, scope, filter, text, more, first, second, third): the last five are numbers of arguments. */
#define SCOPE_marked 0
#define SCOPE_watched 1
#define CALL(name, kind, scope, filter, text, more, first, second, third)                                      \
  case __NR_##name:                                                                                            \
    return 1ULL << 63 | (u64)OP_##name << 32 | kind << 24 | SCOPE_##scope << 23 | filter << 20 | text << 16 | more << 12 | \
           first << 8 | second << 4 | third;

static __always_inline u64 description(s32 number) {
  switch (number) { CHANGES MEMORY DEBUGGING CREDENTIALS SYSTEM }
  return 0;
}

static __always_inline u64 argument(struct call *call, u64 description, int shift) {
  return call->args[description >> shift & 7];
}

static __always_inline int attaches(u64 request) {
  return request == 0 || (request >= 4 && request <= 6) || request == 13 || request == 16 || request == 0x4205 ||
         request == 0x4206;
}

static __always_inline int wanted(u32 filter, struct call *call) {
  if (filter == ANONYMOUS && !(call->args[3] & MAP_ANONYMOUS_BIT))
    return 0;
  if (filter == ANONYMOUS || filter == EXECUTABLE)
    return call->args[2] & PROT_EXEC_BIT;
  return filter != ATTACHES || attaches(call->args[0]);
}

int on_call(struct sys_exit *ctx) {
  int zero = 0;
  struct mark *mark;
  u64 is = description(ctx->number);
  u32 filter = is >> 20 & 7;
  if (!is || !watched(&mark))
    return 0;
  struct call *call = arguments_of();
  struct call_event *event = call_scratch.lookup(&zero);
  if ((!mark && !(is >> 23 & 1)) || !call || !event || !wanted(filter, call))
    return 0;
  fill(&event->head, is >> 24 & 0xff, mark);
  event->result = ctx->result < -4096 || ctx->result > 0x7fffffff ? 0 : ctx->result; /* an address, of mmap */
  event->operation = is >> 32 & 0xff;
  event->first = argument(call, is, 8);
  event->second = argument(call, is, 4);
  event->third = argument(call, is, 0);
  event->text[0] = event->more[0] = 0;
  if (filter == CAPABILITIES) {
    struct capability_set sets[2] = {};
    if (bpf_probe_read_user(sets, sizeof(sets), (void *)call->args[1]))
      dropped(UNREADABLE);
    event->first = sets[0].effective | (u64)sets[1].effective << 32;
    event->second = sets[0].permitted | (u64)sets[1].permitted << 32;
  }
  u64 text = argument(call, is, 16), more = argument(call, is, 12);
  if (text && bpf_probe_read_user_str(event->text, PATH_SIZE, (void *)text) < 0)
    dropped(UNREADABLE);
  if (more && bpf_probe_read_user_str(event->more, PATH_SIZE, (void *)more) < 0)
    dropped(UNREADABLE);
  emit(event, more ? sizeof(*event) : text ? offsetof(struct call_event, more) : offsetof(struct call_event, text));
  return 0;
}
