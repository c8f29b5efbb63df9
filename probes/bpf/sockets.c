/* connect of marked threads and registered processes; accept of registered processes.
 *
 * The address of a connect is read at its entry, when another thread could still change it; the address of an accept is
 * what the kernel wrote for the caller, read at once when the call returns. A caller that passes no buffer to accept
 * learns no address, and neither do we (counted as unreadable).
 * Not caught: connections through io_uring, UDP without connect.
 * Cost: two look-ups for each connect and accept of the host.
 */
struct socket_event {
  struct head head;
  s32 result;
  u32 length; /* of address */
  char address[SOCKADDR_SIZE];
};

struct address {
  u32 length;
  char data[SOCKADDR_SIZE];
};

struct accepting {
  u64 address;
  u64 length;
};

BPF_HASH(connecting, u32, struct address, MAX_CALLS);
BPF_HASH(accepting, u32, struct accepting, MAX_CALLS);

TRACEPOINT_PROBE(syscalls, sys_enter_connect) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  if (!marks.lookup(&tid) && !registered.lookup(&tgid))
    return 0;
  struct address address = {};
  u32 length = args->addrlen & (SOCKADDR_SIZE - 1); /* the largest honest one has 110 bytes */
  address.length = length;
  if (bpf_probe_read_user(address.data, length, args->uservaddr))
    dropped(UNREADABLE);
  else if (connecting.update(&tid, &address))
    dropped(SCRATCH_FULL);
  return 0;
}

TRACEPOINT_PROBE(syscalls, sys_exit_connect) {
  u32 tid = bpf_get_current_pid_tgid();
  struct address *address = connecting.lookup(&tid);
  if (!address)
    return 0;
  struct socket_event event = {.result = args->ret, .length = address->length};
  fill(&event.head, KIND_CONNECT, marks.lookup(&tid));
  __builtin_memcpy(event.address, address->data, SOCKADDR_SIZE);
  emit(&event, sizeof(event));
  connecting.delete(&tid);
  return 0;
}

static __always_inline int accept_entry(u64 address, u64 length) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  struct accepting call = {.address = address, .length = length};
  if (registered.lookup(&tgid) && accepting.update(&tid, &call))
    dropped(SCRATCH_FULL);
  return 0;
}

static __always_inline int accept_exit(long result) {
  u32 tid = bpf_get_current_pid_tgid();
  struct accepting *call = accepting.lookup(&tid);
  if (!call)
    return 0;
  struct socket_event event = {.result = result};
  u32 length = 0;
  if (result >= 0) {
    fill(&event.head, KIND_ACCEPT, marks.lookup(&tid));
    if (bpf_probe_read_user(&length, sizeof(length), (void *)call->length))
      dropped(UNREADABLE);
    length &= SOCKADDR_SIZE - 1;
    event.length = length;
    bpf_probe_read_user(event.address, length, (void *)call->address);
    emit(&event, sizeof(event));
  }
  accepting.delete(&tid);
  return 0;
}

TRACEPOINT_PROBE(syscalls, sys_enter_accept4) {
  return accept_entry((u64)args->upeer_sockaddr, (u64)args->upeer_addrlen);
}

TRACEPOINT_PROBE(syscalls, sys_exit_accept4) { return accept_exit(args->ret); }

TRACEPOINT_PROBE(syscalls, sys_enter_accept) {
  return accept_entry((u64)args->upeer_sockaddr, (u64)args->upeer_addrlen);
}

TRACEPOINT_PROBE(syscalls, sys_exit_accept) { return accept_exit(args->ret); }
