/* Policies over files, the rest of writing: removing, renaming away or over, linking, emptying, giving other rights or
 * another owner, mounting over. Also of directories that lead to a listed file, where the file would go with them; and
 * linking a file that may not be read, for another name is another file to a policy.
 *
 * Where the kernel takes security programs (BPF LSM) the call fails with EPERM, judged on the entries of the kernel's
 * tree of names. Elsewhere what has been done is done: at the return of a call that worked its path is judged as the
 * caller wrote it, from the directory that the kernel knows for it, `.` and `..` taken literally, and the whole process
 * ends by SIGKILL before it can do anything else; the decision's result says that the call had its effect.
 * Not caught: other attributes (times, extended ones, chattr), unmounting, what changes by descriptors from before. At
 * the return, besides: names that go through symbolic links (`/proc/self/root`), or that another thread changes in
 * memory meanwhile; mkdir and mknod; paths of more than 255 bytes (counted as unreadable); io_uring; 32-bit processes.
 * Cost: at the return nothing to speak of, these calls are rare; by the LSM about 2 us for each of a process with such
 * a policy.
 */
#ifdef HAS_PATHS
#define HERE 8 /* the working directory, instead of an argument */
#define AT_FDCWD -100
#define MAX_SPELLED 64

struct spelled {
  u64 change; /* as in `change_of` */
  u32 count; /* of parts, empty ones too */
  u32 start; /* of the next one */
  u32 ends[MAX_SPELLED];
  char text[PATH_SIZE];
  char rest[PART_SIZE]; /* room for the last part of a long path */
};

BPF_PERCPU_ARRAY(spelled_scratch, struct spelled, 1);

/* CHANGE(name, leads, directory, path, directory, path): numbers of arguments; without a path the descriptor's file. */
#define CHANGE(name, leads, directory, path, directory2, path2)                                                   \
  case __NR_##name:                                                                                              \
    return 1ULL << 63 | (u64)OP_##name << 32 | leads << 16 | directory << 4 | path | directory2 << 12 | path2 << 8;
#define ONE(name, leads, directory, path) CHANGE(name, leads, directory, path, NONE_SUCH, NONE_SUCH)

ATTACH(on_changed, unlink)
ATTACH(on_changed, unlinkat)
ATTACH(on_changed, rmdir)
ATTACH(on_changed, rename)
ATTACH(on_changed, renameat)
ATTACH(on_changed, renameat2)
ATTACH(on_changed, link)
ATTACH(on_changed, linkat)
ATTACH(on_changed, symlink)
ATTACH(on_changed, symlinkat)
ATTACH(on_changed, truncate)
ATTACH(on_changed, ftruncate)
ATTACH(on_changed, chmod)
ATTACH(on_changed, fchmod)
ATTACH(on_changed, fchmodat)
ATTACH(on_changed, fchmodat2)
ATTACH(on_changed, chown)
ATTACH(on_changed, lchown)
ATTACH(on_changed, fchown)
ATTACH(on_changed, fchownat)
ATTACH(on_changed, mount)
static __always_inline u64 change_of(s32 number) {
  switch (number) {
    ONE(unlink, 1, HERE, 0)
    ONE(unlinkat, 1, 0, 1)
    ONE(rmdir, 1, HERE, 0)
    CHANGE(rename, 1, HERE, 0, HERE, 1)
    CHANGE(renameat, 1, 0, 1, 2, 3)
    CHANGE(renameat2, 1, 0, 1, 2, 3)
    CHANGE(link, 0, HERE, 0, HERE, 1)
    CHANGE(linkat, 0, 0, 1, 2, 3)
    ONE(symlink, 0, HERE, 1)
    ONE(symlinkat, 0, 1, 2)
    ONE(truncate, 0, HERE, 0)
    ONE(ftruncate, 0, 0, NONE_SUCH)
    ONE(chmod, 0, HERE, 0)
    ONE(fchmod, 0, 0, NONE_SUCH)
    ONE(fchmodat, 0, 0, 1)
    ONE(fchmodat2, 0, 0, 1)
    ONE(chown, 0, HERE, 0)
    ONE(lchown, 0, HERE, 0)
    ONE(fchown, 0, 0, NONE_SUCH)
    ONE(fchownat, 0, 0, 1)
    ONE(mount, 1, HERE, 1)
  }
  return 0;
}

static __always_inline u32 rights_of(u32 op, u32 which) {
  return !which && (op == OP_link || op == OP_linkat) ? MAY_READ | MAY_WRITE : MAY_WRITE;
}

/* The names of the directory that a path begins at; 0 where there are more than fit. */
static __always_inline int take_start(struct parts *parts, s32 directory, int absolute) {
  u64 fs = word_at(bpf_get_current_task() + TASK_STRUCT_FS);
  u64 path = fs + (absolute ? FS_STRUCT_ROOT : FS_STRUCT_PWD);
  if (!absolute && directory != AT_FDCWD)
    path = file_of(directory) + FILE_MOUNT - PATH_MNT;
  return take_parts(parts, word_at(path + PATH_DENTRY), word_at(path + PATH_MNT));
}

/* Where the parts of a text end; 0 where there are more than fit. */
static __always_inline int split(struct spelled *path) {
  path->count = path->start = 0;
  for (u32 i = 0; i < PATH_SIZE; i++) {
    FORGET;
    char letter = path->text[i];
    if (letter && letter != '/')
      continue;
    u32 count = path->count;
    path->ends[count & (MAX_SPELLED - 1)] = i;
    path->count = count + 1;
    if (!letter)
      break;
  }
  return path->count <= MAX_SPELLED;
}

/* Goes on from where `parts` ends; 0 where there are more than fit. */
static __always_inline int follow(struct parts *parts, struct spelled *path) {
  for (u32 i = 0; i < MAX_SPELLED && i < path->count; i++) {
    FORGET;
    u32 start = path->start, length = path->ends[i] - start, end = parts->end;
    u64 *words = NAME_AT(parts, end);
    char *name = (char *)words;
    for (int word = 0; word < PART_WORDS; word++)
      words[word] = 0;
    u64 kept = length < PART_SIZE ? length : PART_SIZE - 1;
    asm volatile("%0 &= 63" : "+r"(kept)); /* which clang would leave out, and the verifier wants to see */
    bpf_probe_read_kernel(name, kept, &path->text[start & (PATH_SIZE - 1)]);
    path->start = start + length + 1;
    int dots = name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
    if (dots && length == 2 && end > parts->first)
      parts->end = end - 1;
    if (!dots && length && end < 2 * MAX_DEPTH - 1)
      parts->end = end + 1;
  }
  return parts->end - parts->first <= MAX_DEPTH && parts->end < 2 * MAX_DEPTH - 1;
}

/* `text`: in the caller's memory; 0: what the descriptor itself stands for. */
static __always_inline int take_named(struct parts *parts, struct spelled *path, s32 directory, u64 text) {
  path->text[0] = 0;
  if (text && bpf_probe_read_user_str(path->text, PATH_SIZE, (void *)text) >= PATH_SIZE)
    return 0;
  return split(path) && take_start(parts, directory, path->text[0] == '/') && follow(parts, path);
}

/* The first or the second path of a call that has worked. Two programs, for one that does both would be too much for the
 * verifiers of older kernels. */
static __always_inline int judge_changed(struct sys_exit *ctx, u32 which) {
  int zero = 0;
  u32 tid = bpf_get_current_pid_tgid(), number;
  u64 change = change_of(ctx->number);
  if (!change || ctx->result < 0 || !judged_here(OF_CHANGES, AT_RETURN))
    return 0;
  struct mark *mark = marks.lookup(&tid);
  u32 mode = files_mode(mark, &number);
  struct call *call = mode == OFF ? 0 : seen_arguments();
  struct parts *parts = parts_scratch.lookup(&zero);
  struct spelled *path = spelled_scratch.lookup(&zero);
  if (!call || !parts || !path)
    return 0;
  path->change = change;
  FORGET; /* one way from here instead of one for each call */
  u32 op = path->change >> 32 & 0xff, where = path->change >> which * 8 & 0xff;
  struct asked asked = {rights_of(op, which), path->change >> 16 & 1, op + 1, 1};
  s32 directory = where >> 4 == HERE ? AT_FDCWD : (s32)call->args[where >> 4 & 7];
  if (take_named(parts, path, directory, call->args[where & 7]))
    judge_parts(parts, number, mode, mark, &asked);
  else
    dropped(UNREADABLE);
  return 0;
}

int on_changed(struct sys_exit *ctx) { return judge_changed(ctx, 0); }

ATTACH(on_changed_to, rename)
ATTACH(on_changed_to, renameat)
ATTACH(on_changed_to, renameat2)
ATTACH(on_changed_to, link)
ATTACH(on_changed_to, linkat)
int on_changed_to(struct sys_exit *ctx) { return judge_changed(ctx, 1); }

/* By the kernel's security hooks. `entry` 0: the path's own. */
static __always_inline int may_change(u64 path, u64 entry, u32 op, u32 leads, u32 rights) {
  u32 tid = bpf_get_current_pid_tgid();
  struct asked asked = {rights, leads, op + 1, 0};
  if (!judged_here(OF_CHANGES, AT_HOOK))
    return 0;
  entry = entry ? entry : word_at(path + PATH_DENTRY);
  return judge_place(entry, word_at(path + PATH_MNT), marks.lookup(&tid), &asked) == ENFORCE ? -EPERM : 0;
}

int on_path_unlink(u64 *ctx) { return may_change(ctx[0], ctx[1], OP_unlink, 1, MAY_WRITE); }

int on_path_rmdir(u64 *ctx) { return may_change(ctx[0], ctx[1], OP_rmdir, 1, MAY_WRITE); }

int on_path_mkdir(u64 *ctx) { return may_change(ctx[0], ctx[1], OP_mkdir, 0, MAY_WRITE); }

int on_path_mknod(u64 *ctx) { return may_change(ctx[0], ctx[1], OP_mknod, 0, MAY_WRITE); }

int on_path_symlink(u64 *ctx) { return may_change(ctx[0], ctx[1], OP_symlink, 0, MAY_WRITE); }

int on_path_link(u64 *ctx) {
  u64 old = ctx[0], directory = ctx[1], new = ctx[2];
  int denied = may_change(directory, old, OP_link, 0, MAY_READ | MAY_WRITE);
  return denied ? denied : may_change(directory, new, OP_link, 0, MAY_WRITE);
}

int on_path_rename(u64 *ctx) {
  u64 directory = ctx[0], old = ctx[1], other = ctx[2], new = ctx[3];
  int denied = may_change(directory, old, OP_rename, 1, MAY_WRITE);
  return denied ? denied : may_change(other, new, OP_rename, 1, MAY_WRITE);
}

int on_path_truncate(u64 *ctx) { return may_change(ctx[0], 0, OP_truncate, 0, MAY_WRITE); }

int on_file_truncate(u64 *ctx) {
  u64 file = ctx[0];
  return may_change(file + FILE_MOUNT - PATH_MNT, 0, OP_ftruncate, 0, MAY_WRITE);
}

int on_path_chmod(u64 *ctx) { return may_change(ctx[0], 0, OP_chmod, 0, MAY_WRITE); }

int on_path_chown(u64 *ctx) { return may_change(ctx[0], 0, OP_chown, 0, MAY_WRITE); }

int on_sb_mount(u64 *ctx) { return may_change(ctx[1], 0, OP_mount, 1, MAY_WRITE); }

int on_move_mount(u64 *ctx) { return may_change(ctx[1], 0, OP_move_mount, 1, MAY_WRITE); }
#endif
