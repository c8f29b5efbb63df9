/* Policies: what the processes of a service may execute, connect to (connections.c), and open (paths.h).
 *
 * The number of a process's policy stands in `registered` beside its watch; forks and execs take it along, so a policy
 * holds for everything that descends from the service. Its scope says whether it counts for requests only (marked
 * threads and what they start) or always. `enforcement` caps the mode of all policies: 0 there turns everything off at
 * once. Nothing is denied that `policies` does not say so about: both tables are empty at first.
 * An execution is judged when the kernel has loaded the new program and before its first instruction: file and name are
 * the kernel's, and nobody can change them any more. It is ended by SIGKILL: who started it sees it die of that, and
 * the decision is told instead of the exec. Where the kernel's BPF LSM can be had, lsm.c has denied it before that.
 * Where the kernel cannot send the signal (it still sends another one on this processor) the decision says so.
 * Not caught: what an allowed program does by itself (an interpreter that reads a script), a shell under another name
 * that is no link, and without the kernel's type information (task.h) any link; a process for which `registered` has no
 * room. Cost: two look-ups for each exec of a process that has a policy, none for others.
 */
#define MAX_POLICIES 64
#define POLICY_SHIFT 8
#define WATCH_BITS 0xff
#define PROGRAM_SIZE 124
#define SIGKILL 9

enum mode { OFF = 0, OBSERVE, ENFORCE };
enum scope { REQUESTS = 0, PROCESSES };
enum execution { ANY = 0, NOTHING, NO_SHELLS, LISTED };

struct policy {
  u32 mode;
  u32 scope;
  u32 execute;
  u32 connect; /* ANY, or LISTED: what networks do not name is denied */
  u32 files; /* whether file_tree says anything (paths.h) */
};

struct program_key {
  u32 policy; /* 0: a shell's name, for all */
  char name[PROGRAM_SIZE];
};

struct decision_event {
  struct head head;
  u32 policy;
  u32 enforced;
  u32 operation;
  u32 padding;
  struct inet_address address;
};

BPF_ARRAY(policies, struct policy, MAX_POLICIES);
BPF_ARRAY(enforcement, u32, 1);
BPF_HASH(programs, struct program_key, u32, MAX_PROGRAMS);
BPF_PERCPU_ARRAY(decision_scratch, struct decision_event, 1);

/* What a process is under, and its number; 0 for nothing. */
static __always_inline struct policy *policy_of(u32 tgid, u32 *number) {
  u32 *watch = registered.lookup(&tgid);
  *number = watch ? *watch >> POLICY_SHIFT : 0;
  return *number ? policies.lookup(number) : 0;
}

static __always_inline u32 mode_of(struct policy *policy, struct mark *mark) {
  int zero = 0;
  u32 *cap = enforcement.lookup(&zero);
  if (!cap || (policy->scope == REQUESTS && !(mark && mark->request_id)))
    return OFF;
  return policy->mode < *cap ? policy->mode : *cap;
}

static __always_inline struct decision_event *decision(struct mark *mark, u32 number, u32 operation) {
  int zero = 0;
  struct decision_event *event = decision_scratch.lookup(&zero);
  if (!event)
    return 0;
  fill(&event->head, KIND_DECISION, mark);
  event->policy = number;
  event->operation = operation;
  return event;
}

static __always_inline int is_shell(const char *name) {
  struct program_key key = {};
  bpf_probe_read_kernel_str(key.name, TASK_COMM, name);
  return programs.lookup(&key) != 0;
}

/* `called`, `real`: last names of the file, as it was called and on disk. */
static __always_inline int may_execute(
    struct policy *policy, u32 number, const char *called, const char *real, const char *path) {
  struct program_key key = {.policy = number};
  if (policy->execute == NO_SHELLS)
    return !is_shell(called) && !is_shell(real);
  if (policy->execute != LISTED)
    return policy->execute == ANY;
  long length = bpf_probe_read_kernel_str(key.name, PROGRAM_SIZE, path);
  return length > 0 && length < PROGRAM_SIZE && programs.lookup(&key);
}

/* `watch`: what `registered` says; `path`: the file as the caller named it. OFF: it may; OBSERVE: it would be denied;
 * ENFORCE: it ends here. */
static __always_inline u32 judge_execution(u32 watch, struct mark *mark, const char *comm, const char *path) {
  u32 number = watch >> POLICY_SHIFT;
  struct policy *policy = number ? policies.lookup(&number) : 0;
  u32 mode = policy ? mode_of(policy, mark) : OFF;
  char real[NAME_SIZE] = {};
  if (mode == OFF)
    return OFF;
  program_name(real, NAME_SIZE);
  if (may_execute(policy, number, comm, real, path))
    return OFF;
  return mode == ENFORCE && !bpf_send_signal(SIGKILL) ? ENFORCE : OBSERVE;
}
