/* Logins through PAM: what the host's libpam answered to sshd, su, sudo, login and whoever else asks it.
 *
 * Probes at the entry of four functions keep the handle that they were called with, probes at their return tell the
 * result with what the handle says of service, user, terminal and remote host then. Where in the handle these stand is
 * found out by a handle of our own (probes/pam.py) and lies in `pam_layout`. Passwords are never read: they stand
 * elsewhere. The peer is the kernel's word: the other end of a connection that the process holds. The texts are the
 * process's memory: a process that is root can tell of itself what it likes, one that is not can load another libpam.
 * sshd judges keys by itself, but begins with PAM for every user that is named to it. So a handle that ends (pam_end)
 * without PAM having been asked, in a process that holds a connection, is a login that came to nothing: keys refused, a
 * user that sshd does not let in, too many tries, or a client that left. It is told once for each connection, with the
 * number of sshd's own refusals where it writes them to the kernel's audit (libaudit). No line of a log is read.
 * Not caught: programs with a libpam of their own (containers, static ones), services that ask no PAM (sshd with
 * `UsePAM no`), clients that name no user, keys refused before another way in was tried, which key it was; and without
 * the kernel's type information (task.h) logins that came to nothing.
 * Cost: a trap of some 2 us for each of these calls; nothing for others.
 */
#define PAM_SUCCESS 0
#define PAM_INCOMPLETE 31
#define PAM_SILENT 0x40000000 /* the end of a copy in a child */
#define PAM_TEXTS 5
#define PAM_TEXT_SIZE 64
#define PAM_TEXTS_SIZE 320
#define PEER_DESCRIPTORS 8
#define AUDIT_USER_LOGIN 1112
#ifdef __aarch64__
#define AUDIT_RESULT 8 /* where the tenth argument stands on the stack */
#else
#define AUDIT_RESULT 32
#endif

enum pam_operation { PAM_AUTHENTICATE = 0, PAM_ACCOUNT, PAM_OPEN_SESSION, PAM_CLOSE_SESSION, PAM_END };

struct login_event {
  struct head head;
  s32 result;
  u32 operation;
  u32 refused; /* at the end: what the service refused by itself */
  u32 padding;
  struct inet_address peer; /* of the first connection among the process's first descriptors */
  char texts[PAM_TEXTS_SIZE]; /* service, user, remote host, remote user, terminal */
};

BPF_ARRAY(pam_layout, u32, PAM_TEXTS);
BPF_HASH(pam_handles, u64, u64, MAX_EXECS);
BPF_PERCPU_ARRAY(login_scratch, struct login_event, 1);

struct pam_holder {
  u64 handle;
  u64 tgid;
};

struct pam_process {
  u64 start;
  u64 tgid;
};

BPF_TABLE("lru_hash", struct pam_holder, u32, pam_answered, MAX_LOGINS);
BPF_TABLE("lru_hash", struct pam_process, u32, login_refusals, MAX_LOGINS);

int on_pam_call(struct pt_regs *ctx) {
  u64 pid_tgid = bpf_get_current_pid_tgid(), handle = PT_REGS_PARM1(ctx);
  if (pam_handles.update(&pid_tgid, &handle))
    dropped(SCRATCH_FULL);
  return 0;
}

static __always_inline void take_peer(struct inet_address *peer) {
  peer->family = peer->port = 0;
#pragma unroll
  for (int descriptor = 0; descriptor < PEER_DESCRIPTORS; descriptor++) {
    struct inet_address found = {};
    if (!peer->port && socket_of(descriptor, &found) && found.port)
      *peer = found;
  }
}

static __always_inline void take_text(char *text, u64 handle, int which) {
  u32 *offset = pam_layout.lookup(&which);
  u64 pointer = 0;
  text[0] = 0;
  if (offset && *offset && !bpf_probe_read_user(&pointer, sizeof(pointer), (void *)(handle + *offset)) && pointer)
    bpf_probe_read_user_str(text, PAM_TEXT_SIZE, (void *)pointer);
}

/* What it starts from now on is the session's. */
static __always_inline void watch_session(u32 tgid) {
  u32 *known = registered.lookup(&tgid);
  u32 watch = (known ? *known : 0) | SESSION;
  if (registered.update(&tgid, &watch))
    dropped(REGISTERED_FULL);
}

/* sshd has a child ask, with a copy of the handle. */
static __always_inline void remember_answer(u64 handle, u32 tgid) {
  struct pam_holder own = {.handle = handle, .tgid = tgid}, above = {.handle = handle, .tgid = parent_of()};
  u32 yes = 1;
  pam_answered.update(&own, &yes);
  pam_answered.update(&above, &yes);
}

static __always_inline void tell_login(struct login_event *event, u32 operation, u64 handle) {
  u32 tid = bpf_get_current_pid_tgid();
  fill(&event->head, KIND_LOGIN, marks.lookup(&tid));
  event->operation = operation;
#pragma unroll /* before Linux 6.5 no loop may go back to where a call returns to */
  for (int which = 0; which < PAM_TEXTS; which++)
    take_text(&event->texts[which * PAM_TEXT_SIZE], handle, which);
  emit(event, sizeof(*event));
}

static __always_inline int answered(struct pt_regs *ctx, u32 operation) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  int zero = 0;
  u64 *found = pam_handles.lookup(&pid_tgid);
  struct login_event *event = login_scratch.lookup(&zero);
  if (!found || !event)
    return 0;
  u64 handle = *found;
  pam_handles.delete(&pid_tgid);
  event->result = PT_REGS_RC(ctx);
  if (event->result == PAM_INCOMPLETE)
    return 0;
  event->refused = 0;
  take_peer(&event->peer);
  tell_login(event, operation, handle);
  remember_answer(handle, pid_tgid >> 32);
  if (operation == PAM_OPEN_SESSION && event->result == PAM_SUCCESS)
    watch_session(pid_tgid >> 32);
  return 0;
}

int on_pam_authenticate(struct pt_regs *ctx) { return answered(ctx, PAM_AUTHENTICATE); }

int on_pam_acct_mgmt(struct pt_regs *ctx) { return answered(ctx, PAM_ACCOUNT); }

int on_pam_open_session(struct pt_regs *ctx) { return answered(ctx, PAM_OPEN_SESSION); }

int on_pam_close_session(struct pt_regs *ctx) { return answered(ctx, PAM_CLOSE_SESSION); }

/* At its entry: the handle still says whom it was about. */
int on_pam_end(struct pt_regs *ctx) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  u64 handle = PT_REGS_PARM1(ctx), status = PT_REGS_PARM2(ctx);
  struct pam_holder holder = {.handle = handle, .tgid = tgid};
  struct pam_process process = {.start = process_start(), .tgid = tgid};
  int zero = 0;
  struct login_event *event = login_scratch.lookup(&zero);
  if (!event || status & PAM_SILENT)
    return 0;
  u32 *asked = pam_answered.lookup(&holder), *watch = registered.lookup(&tgid);
  if (asked || (watch && *watch & SESSION)) {
    pam_answered.delete(&holder);
    login_refusals.delete(&process);
    return 0;
  }
  u32 *refused = login_refusals.lookup(&process);
  event->refused = refused ? *refused : 0;
  event->result = 0;
  take_peer(&event->peer);
  if (event->peer.port)
    tell_login(event, PAM_END, handle);
  login_refusals.delete(&process);
  return 0;
}

/* audit_log_acct_message(descriptor, type, program, operation, user, uid, host, address, tty, result) */
int on_audit_message(struct pt_regs *ctx) {
  u64 tgid = bpf_get_current_pid_tgid() >> 32;
  struct pam_process process = {.start = process_start(), .tgid = tgid};
  u32 result = 1, first = 1;
  if ((u32)PT_REGS_PARM2(ctx) != AUDIT_USER_LOGIN)
    return 0;
  if (bpf_probe_read_user(&result, sizeof(result), (void *)(PT_REGS_SP(ctx) + AUDIT_RESULT)) || result)
    return 0;
  u32 *refused = login_refusals.lookup(&process);
  if (refused)
    lock_xadd(refused, 1);
  else
    login_refusals.update(&process, &first);
  return 0;
}
