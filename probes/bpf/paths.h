/* Policies over files: which a process may not open for reading or writing; protect.c judges what else changes them.
 *
 * Judged on the file itself: its own entry in the kernel's tree of names, up through its directories and mounts, and the
 * access that was asked for. So links, `..`, relative paths and names changed in memory meanwhile make no difference.
 * Where the kernel takes security programs (BPF LSM) the call fails with EPERM, and nothing has been emptied or created.
 * Elsewhere it is judged at the return of the call (files.c), and the whole process ends by SIGKILL before it gets the
 * descriptor: the file has been created or emptied by then, where the call said so.
 * Not caught: descriptors from before or from others; a hard link from before or another mount of the same file under a
 * name that is not listed; paths of more than 32 parts. At the return, besides: opens by io_uring and of 32-bit
 * processes; another thread that puts another file onto the new descriptor within the microsecond before it is judged.
 * Without the kernel's type information (task.h) nothing.
 * Cost: one look at an array for each open of the host; about 2 us for each that a policy with files looks at.
 */
#define MAX_DEPTH 32
#define MAX_STEPS 48 /* names and mounts */
#define PART_WORDS 7
#define PART_SIZE 56
#define AT_RETURN 1
#define AT_HOOK 2
#define MAY_READ 1
#define MAY_WRITE 2
#define BACKING 0x20000000 /* FMODE_NOACCOUNT: what a file system opens behind a file that was judged (overlayfs) */

struct node_key {
  u64 name[PART_WORDS];
  u32 node; /* of the directory; a policy's number is its root */
  u32 padding;
};

struct node {
  u32 next;
  u32 itself; /* what is denied: MAY_READ, MAY_WRITE */
  u32 below;
  u32 leads; /* of anything that it leads to */
};

/* A path: the names from `first` up to `end`. What the kernel's tree says grows towards 0, what a text says upwards. */
struct parts {
  u32 first;
  u32 end;
  u32 denied; /* what has been found so far */
  u32 length; /* of the text that has been written */
  u64 name[2 * MAX_DEPTH][PART_WORDS + 1];
};

struct file_decision {
  struct head head;
  u32 policy;
  u32 enforced; /* 2: but the call had its effect */
  u32 denied;
  u32 operation; /* enum operation and 1; 0: an open */
  char path[PATH_SIZE];
  char rest[PART_SIZE]; /* room for the last part of a long path */
};

enum judged { OF_OPENS = 0, OF_CHANGES };

BPF_ARRAY(files_judged, u32, 2); /* where each of them is, by enum judged */
BPF_HASH(file_tree, struct node_key, struct node, MAX_FILES);

#ifdef HAS_PATHS
BPF_PERCPU_ARRAY(parts_scratch, struct parts, 1);
BPF_PERCPU_ARRAY(file_scratch, struct file_decision, 1);

struct place {
  u64 entry;
  u64 mount;
};

static __always_inline int at_root(struct place *at) {
  return at->entry == word_at(at->mount + MOUNT_MNT + VFSMOUNT_MNT_ROOT);
}

/* From the root of a mount on to where it is mounted. 0 at the uppermost. */
static __always_inline int leave_mount(struct place *at) {
  u64 above = word_at(at->mount + MOUNT_MNT_PARENT);
  if (above == at->mount || !above)
    return 0;
  at->entry = word_at(at->mount + MOUNT_MNT_MOUNTPOINT);
  at->mount = above;
  return 1;
}

/* Numbers that loops carry stand in memory: in registers the verifier would follow each of their values. */
#define FORGET asm volatile("" ::: "memory")
#define NAME_AT(parts, place) (parts)->name[(place) & (2 * MAX_DEPTH - 1)]

/* Fills in the names of a place; 0 where there are more than fit. Mounts may stand upon each other, 16 of them on the
 * longest way: a container's root, the initial one, and from Linux 7.0 an empty one below them all. */
static __always_inline int take_parts(struct parts *parts, u64 entry, u64 mount) {
  struct place at = {.entry = entry, .mount = mount - MOUNT_MNT};
  parts->first = parts->end = MAX_DEPTH;
  for (u32 i = 0; i < MAX_STEPS; i++) {
    FORGET;
    if (at_root(&at)) {
      if (!leave_mount(&at))
        return 1;
      continue;
    }
    u32 first = parts->first - 1;
    if (first >= MAX_DEPTH)
      return 0;
    parts->first = first;
    u64 *name = NAME_AT(parts, first);
    for (int word = 0; word < PART_WORDS; word++)
      name[word] = 0;
    bpf_probe_read_kernel_str(name, PART_SIZE, (void *)word_at(at.entry + DENTRY_NAME));
    at.entry = word_at(at.entry + DENTRY_D_PARENT);
  }
  return 0;
}

/* What is denied of a path; `leads`: of what it leads to, too. */
static __always_inline u32 denied_of(struct parts *parts, u32 number, int leads) {
  struct node_key key = {.node = number};
  parts->denied = 0;
  for (u32 i = 0; i < MAX_DEPTH; i++) {
    FORGET;
    u32 first = parts->first, end = parts->end;
    if (first + i >= end)
      break;
    u64 *name = NAME_AT(parts, first + i);
    for (int word = 0; word < PART_WORDS; word++)
      key.name[word] = name[word];
    struct node *node = file_tree.lookup(&key);
    if (!node)
      break;
    u32 last = first + i + 1 == end;
    parts->denied |= last ? node->itself | (leads ? node->leads : 0) : node->below;
    key.node = node->next;
  }
  return parts->denied;
}

static __always_inline void write_path(struct file_decision *event, struct parts *parts) {
  parts->length = 0;
  for (u32 i = 0; i < MAX_DEPTH; i++) {
    FORGET;
    u64 at = parts->length;
    if (parts->first + i >= parts->end || at >= PATH_SIZE - 1)
      break;
    asm volatile("%0 &= 255" : "+r"(at)); /* which clang would leave out, and the verifier wants to see */
    event->path[at] = '/';
    long size = bpf_probe_read_kernel_str(&event->path[at + 1], PART_SIZE, NAME_AT(parts, parts->first + i));
    parts->length = at + (size > 0 ? size : 0); /* with the slash, without the end */
  }
}

/* Of a policy with files: its mode here, and its number. */
static __always_inline u32 files_mode(struct mark *mark, u32 *number) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  struct policy *policy = policy_of(tgid, number);
  return policy && policy->files ? mode_of(policy, mark) : OFF;
}

/* What is asked of a path: rights, also to what it leads to; the call (as in struct file_decision); whether enforcing is
 * done here, by a signal. */
struct asked {
  u32 rights;
  u32 leads;
  u32 operation;
  u32 kills;
};

/* What the policy with this number, and in this mode, says to it; told where it is denied. */
static __always_inline u32 judge_parts(struct parts *parts, u32 number, u32 mode, struct mark *mark, struct asked *asked) {
  int zero = 0;
  u32 denied = denied_of(parts, number, asked->leads) & asked->rights;
  struct file_decision *event = file_scratch.lookup(&zero);
  if (!denied || !event)
    return OFF;
  if (mode == ENFORCE && asked->kills && bpf_send_signal(SIGKILL))
    mode = OBSERVE;
  fill(&event->head, KIND_DECISION_OPEN, mark);
  event->policy = number;
  event->enforced = mode != ENFORCE ? 0 : asked->kills && asked->operation ? 2 : 1;
  event->denied = denied;
  event->operation = asked->operation;
  write_path(event, parts);
  emit(event, offsetof(struct file_decision, rest));
  return mode;
}

/* What the current thread's policy says to this being asked of a place in the kernel's tree. */
static __always_inline u32 judge_place(u64 entry, u64 mount, struct mark *mark, struct asked *asked) {
  int zero = 0;
  u32 number, mode = files_mode(mark, &number);
  struct parts *parts = parts_scratch.lookup(&zero);
  if (mode == OFF || !entry || !parts)
    return OFF;
  if (!take_parts(parts, entry, mount)) {
    dropped(UNREADABLE);
    return OFF;
  }
  return judge_parts(parts, number, mode, mark, asked);
}

static __always_inline u32 judge_open(u64 file, struct mark *mark, int kills) {
  struct asked asked = {.rights = half_at(file + FILE_F_MODE) & (MAY_READ | MAY_WRITE), .kills = kills};
  return file ? judge_place(word_at(file + FILE_DENTRY), word_at(file + FILE_MOUNT), mark, &asked) : OFF;
}

static __always_inline int judged_here(int what, u32 where) {
  u32 *judged = files_judged.lookup(&what);
  return judged && *judged == where;
}

/* `descriptor`: what the current thread has just opened. ENFORCE: it ends here. */
static __always_inline u32 judge_file(u32 descriptor, struct mark *mark) {
  return judged_here(OF_OPENS, AT_RETURN) ? judge_open(file_of(descriptor), mark, 1) : OFF;
}

/* Attached to the kernel's security hook, where it takes such programs: the call fails with EPERM. */
int on_file_open(u64 *ctx) {
  u32 tid = bpf_get_current_pid_tgid();
  u64 file = ctx[0];
  if (!judged_here(OF_OPENS, AT_HOOK) || half_at(file + FILE_F_MODE) & BACKING)
    return 0;
  return judge_open(file, marks.lookup(&tid), 0) == ENFORCE ? -1 : 0;
}
#else
static __always_inline u32 judge_file(u32 descriptor, struct mark *mark) { return OFF; }
#endif
