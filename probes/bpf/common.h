/* What all programs share: the layout of events, the maps, and the way out.
 *
 * Layouts are mirrored in probes/decode.py and probes/subjects/; a test compares sizes and offsets. Fields are ordered
 * so that there is no padding on any 64-bit machine.
 */
#define TASK_COMM 16
#define PATH_SIZE 256
#define NAME_SIZE 64
#define ARG_SIZE 1024
#define ARGS_SIZE 4096
#define MAX_ARGS 64
#define SOCKADDR_SIZE 128
#define INET_SIZE 32
#define SENSITIVE_SIZE 64

enum kind {
  KIND_EXEC = 1, KIND_FORK, KIND_EXIT, KIND_CONNECT, KIND_ACCEPT, KIND_OPEN, KIND_BIND, KIND_LISTEN, KIND_SEND,
  KIND_IO_URING, KIND_MEMFD, KIND_EXECUTABLE_MEMORY, KIND_STREAM, KIND_PTRACE, KIND_CREDENTIALS, KIND_MODULE, KIND_BPF,
  KIND_MOUNT, KIND_NAMESPACE, KIND_DELETE, KIND_RENAME, KIND_LINK, KIND_CHMOD, KIND_SIGNAL,
  KIND_DECISION, KIND_DECISION_EXEC, KIND_DECISION_OPEN, KIND_LOGIN, KIND_TURN, KIND_TRUNCATE,
  KIND_CHOWN, KIND_DNS,
};
#define KINDS 64 /* room for them; a power of two */
enum attribution { NONE = 0, EXACT = 1, INHERITED = 2 };
enum drop {
  RING_FULL = 0, BULK_RING_FULL, EVIDENCE_RING_FULL, MARKS_FULL, SCRATCH_FULL, REGISTERED_FULL, UNREADABLE, DROP_REASONS,
};

/* What `registered` says of a process, in its lowest byte; above it the number of its policy (policy.h). Of what only
 * descends from a login to the host (SESSION, logins.c) forks and executions are told, and nothing else. */
enum watch { MAY_MARK = 1, DESCENDS = 2, SESSION = 4 };

struct mark {
  u64 request_id;
  u32 parent;      /* thread group that forked this one; 0: this thread marked itself */
  u32 attribution;
};

struct head {
  u64 time; /* CLOCK_MONOTONIC, ns */
  u64 request_id;
  u64 start; /* of the process, CLOCK_BOOTTIME, ns; 0: not known */
  u32 pid;
  u32 tid;
  u32 parent;
  u32 uid;
  u32 kind;
  u32 attribution;
  u32 login_uid;
  u32 reserved;
  char comm[TASK_COMM];
};

BPF_HASH(marks, u32, struct mark, MAX_MARKS);
/* What a thread was marked with last, and whether requests take turns on it (marks.c). */
struct marking {
  u64 last;
  u64 by_turns;
};

BPF_TABLE("lru_hash", u32, struct marking, markings, MAX_MARKINGS);
BPF_HASH(registered, u32, u32, MAX_REGISTERED);
BPF_ARRAY(drops, u64, DROP_REASONS);
BPF_ARRAY(lost, u64, KINDS); /* events that found their ring full, by kind */

/* Three rings, so that what comes in masses cannot push out what is worth more (as probes/vocabulary.py has it). */
BPF_RINGBUF_OUTPUT(events, RING_PAGES);
BPF_RINGBUF_OUTPUT(bulk, RING_PAGES);
BPF_RINGBUF_OUTPUT(evidence, RING_PAGES);
#define EVIDENCE                                                                                                \
  (1ULL << KIND_EXEC | 1ULL << KIND_MEMFD | 1ULL << KIND_STREAM | 1ULL << KIND_PTRACE | 1ULL << KIND_MODULE |    \
   1ULL << KIND_BPF | 1ULL << KIND_DECISION | 1ULL << KIND_DECISION_EXEC | 1ULL << KIND_DECISION_OPEN |          \
   1ULL << KIND_LOGIN)

static __always_inline void dropped(int reason) {
  u64 *count = drops.lookup(&reason);
  if (count)
    lock_xadd(count, 1);
}

static __always_inline void fill(struct head *head, u32 kind, struct mark *mark) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  head->time = bpf_ktime_get_ns();
  head->request_id = mark ? mark->request_id : 0;
  head->start = process_start();
  head->pid = pid_tgid >> 32;
  head->tid = pid_tgid;
  head->parent = mark && mark->request_id ? mark->parent : parent_of();
  head->uid = bpf_get_current_uid_gid();
  head->kind = kind;
  head->attribution = mark ? mark->attribution : NONE;
  head->login_uid = login_uid();
  head->reserved = 0;
  bpf_get_current_comm(head->comm, sizeof(head->comm));
}

static __always_inline void lose(int reason, struct head *head) {
  u32 kind = head->kind & (KINDS - 1);
  u64 *count = lost.lookup(&kind);
  if (count)
    lock_xadd(count, 1);
  dropped(reason);
}

/* The reader looks by the clock (every 20 ms), so that no event costs a context switch; evidence, which is rare, wakes
 * it where it has read all that came before. */
static __always_inline void emit_evidence(void *event, u64 size) {
  if (evidence.ringbuf_output(event, size, 0))
    lose(EVIDENCE_RING_FULL, event);
}

static __always_inline void emit(void *event, u64 size) {
  struct head *head = event;
  if (EVIDENCE >> (head->kind & (KINDS - 1)) & 1)
    emit_evidence(event, size);
  else if (events.ringbuf_output(event, size, BPF_RB_NO_WAKEUP))
    lose(RING_FULL, event);
}

static __always_inline void emit_bulk(void *event, u64 size) {
  if (bulk.ringbuf_output(event, size, BPF_RB_NO_WAKEUP))
    lose(BULK_RING_FULL, event);
}

/* Whether a process is registered or descends from one that is. */
static __always_inline int is_registered(u32 tgid) {
  u32 *watch = registered.lookup(&tgid);
  return watch && *watch & (MAY_MARK | DESCENDS);
}

/* Whether the current thread is marked, or its process is registered or descends from one that is. */
static __always_inline int watched(struct mark **mark) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  *mark = marks.lookup(&tid);
  return *mark || is_registered(tgid);
}

static __always_inline int marked(struct mark **mark) {
  u32 tid = bpf_get_current_pid_tgid();
  *mark = marks.lookup(&tid);
  return *mark != 0;
}
