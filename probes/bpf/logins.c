/* Logins through PAM: what the host's libpam answered to sshd, su, sudo, login and whoever else asks it.
 *
 * Probes at the entry of four functions keep the handle that they were called with, probes at their return tell the
 * result with what the handle says of service, user, terminal and remote host then. Where in the handle these stand is
 * found out by a handle of our own (probes/pam.py) and lies in `pam_layout`. Passwords are never read: they stand
 * elsewhere. The peer is the kernel's word: the other end of a connection that the process holds. The texts are the
 * process's memory: a process that is root can tell of itself what it likes, one that is not can load another libpam.
 * Not caught: programs with a libpam of their own (containers, static ones), sshd's refusals of keys (it asks PAM for
 * passwords and sessions only), services that ask no PAM.
 * Cost: a trap of some 2 us for each of these calls; nothing for others.
 */
#define PAM_SUCCESS 0
#define PAM_INCOMPLETE 31
#define PAM_TEXTS 5
#define PAM_TEXT_SIZE 64
#define PAM_TEXTS_SIZE 320
#define PEER_DESCRIPTORS 8

enum pam_operation { PAM_AUTHENTICATE = 0, PAM_ACCOUNT, PAM_OPEN_SESSION, PAM_CLOSE_SESSION };

struct login_event {
  struct head head;
  s32 result;
  u32 operation;
  struct inet_address peer; /* of the first connection among the process's first descriptors */
  char texts[PAM_TEXTS_SIZE]; /* service, user, remote host, remote user, terminal */
};

BPF_ARRAY(pam_layout, u32, PAM_TEXTS);
BPF_HASH(pam_handles, u64, u64, MAX_EXECS);
BPF_PERCPU_ARRAY(login_scratch, struct login_event, 1);

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
  u32 tid = pid_tgid;
  fill(&event->head, KIND_LOGIN, marks.lookup(&tid));
  event->operation = operation;
  take_peer(&event->peer);
#pragma unroll /* before Linux 6.5 no loop may go back to where a call returns to */
  for (int which = 0; which < PAM_TEXTS; which++)
    take_text(&event->texts[which * PAM_TEXT_SIZE], handle, which);
  emit(event, sizeof(*event));
  if (operation == PAM_OPEN_SESSION && event->result == PAM_SUCCESS)
    watch_session(pid_tgid >> 32);
  return 0;
}

int on_pam_authenticate(struct pt_regs *ctx) { return answered(ctx, PAM_AUTHENTICATE); }

int on_pam_acct_mgmt(struct pt_regs *ctx) { return answered(ctx, PAM_ACCOUNT); }

int on_pam_open_session(struct pt_regs *ctx) { return answered(ctx, PAM_OPEN_SESSION); }

int on_pam_close_session(struct pt_regs *ctx) { return answered(ctx, PAM_CLOSE_SESSION); }
