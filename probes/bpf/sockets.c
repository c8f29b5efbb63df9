/* connect of marked threads and registered processes; accept, bind and listen of registered processes.
 *
 * The address of a TCP connect is the one in the socket's state when the kernel sends the first segment (the event says
 * `verified`), and so is that of a listen. Of UDP and Unix sockets, and of what fails earlier, it is read at the entry
 * of connect, when another thread could still change it; of bind at the return. The address of an accept is what the
 * kernel wrote for the caller, read at once when the call returns. A caller that passes no buffer to accept learns no
 * address, and neither do we (counted as unreadable). A connection that io_uring (or a first send with TCP fast open)
 * makes is told with EINPROGRESS: its outcome is not known.
 * Of a connection both ends are told (where the kernel publishes its types), as they stand in the socket at the return
 * of connect and accept, with the network namespace: the accept of the other process has the same ones.
 * Not caught: listen on other sockets than TCP; the own end of what io_uring connects or accepts; protocols other than IP and Unix show no address.
 * Cost: two look-ups for each connect, accept, bind of the host; one comparison for each TCP state change.
 */
struct socket_event {
  struct head head;
  s32 result;
  u32 length; /* of address */
  u32 verified;
  u32 net;
  struct inet_address local;
  char address[SOCKADDR_SIZE]; /* of IP only the first INET_SIZE bytes are told */
};

struct address {
  u32 length;
  u32 verified;
  u32 descriptor;
  u32 padding;
  char data[SOCKADDR_SIZE];
};

struct connected {
  u32 pid;
  u32 descriptor;
};

/* Datagram sockets that a marked thread connected to a DNS port; the longest unused go first. */
BPF_TABLE("lru_hash", struct connected, struct inet_address, resolvers, MAX_RESOLVERS);

/* TCP connections that watched processes made: what turns.c knows of each. */
struct made {
  u64 received; /* bytes, when the last turn began */
  u64 request_id; /* of the last turn that was told */
  u32 turns;
  u32 port; /* the own one */
};

BPF_TABLE("lru_hash", struct connected, struct made, connections_made, MAX_CONNECTIONS);
BPF_HASH(connecting, u32, struct address, MAX_CALLS);

static __always_inline void emit_socket(struct socket_event *event) {
  u32 family = *(u16 *)event->address;
  int inet = family == 2 || family == 10;
  emit(event, inet ? offsetof(struct socket_event, address) + INET_SIZE : sizeof(*event));
}

TRACEPOINT_PROBE(syscalls, sys_enter_connect) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  if (!marks.lookup(&tid) && !is_registered(tgid))
    return 0;
  struct address address = {};
  u32 length = args->addrlen & (SOCKADDR_SIZE - 1); /* the largest honest one has 110 bytes */
  address.length = length;
  address.descriptor = args->fd;
  if (bpf_probe_read_user(address.data, length, args->uservaddr))
    dropped(UNREADABLE);
  else if (connecting.update(&tid, &address))
    dropped(SCRATCH_FULL);
  return 0;
}

static __always_inline void remember_resolver(struct address *address) {
  struct connected key = {.pid = bpf_get_current_pid_tgid() >> 32, .descriptor = address->descriptor};
  struct inet_address *where = (struct inet_address *)address->data;
  if ((where->family == 2 || where->family == 10) &&
      (where->port == __builtin_bswap16(53) || where->port == __builtin_bswap16(5353) ||
       where->port == __builtin_bswap16(5355))) {
    struct inet_address copy = *where;
    resolvers.update(&key, &copy);
  }
}

#define IN_PROGRESS -115

#ifdef HAS_ENDS
static __always_inline u32 end_of(u32 descriptor, struct inet_address *local) {
  u64 sock = sock_of(descriptor);
  return sock ? own_end(sock, local) : 0;
}

static __always_inline void remember_connection(u32 descriptor, struct inet_address *local) {
  struct connected key = {.pid = bpf_get_current_pid_tgid() >> 32, .descriptor = descriptor};
  struct made made = {.port = __builtin_bswap16(local->port)};
  connections_made.update(&key, &made);
}
#else
static __always_inline u32 end_of(u32 descriptor, struct inet_address *local) { return 0; }
static __always_inline void remember_connection(u32 descriptor, struct inet_address *local) {}
#endif

TRACEPOINT_PROBE(syscalls, sys_exit_connect) {
  u32 tid = bpf_get_current_pid_tgid();
  struct address *address = connecting.lookup(&tid);
  if (!address)
    return 0;
  struct mark *mark = marks.lookup(&tid);
  struct socket_event event = {.result = args->ret, .length = address->length, .verified = address->verified};
  fill(&event.head, KIND_CONNECT, mark);
  __builtin_memcpy(event.address, address->data, SOCKADDR_SIZE);
  if (address->verified && (!args->ret || args->ret == IN_PROGRESS)) {
    event.net = end_of(address->descriptor, &event.local);
    remember_connection(address->descriptor, &event.local);
  }
  emit_socket(&event);
  if (mark && !args->ret && !address->verified)
    remember_resolver(address);
  connecting.delete(&tid);
  return 0;
}

ATTACH(on_accepted, accept)
ATTACH(on_accepted, accept4)
int on_accepted(struct sys_exit *ctx) {
  struct mark *mark;
  struct call *call;
  u32 length = 0;
  if (!watched(&mark) || !(call = arguments_of()) || ctx->result < 0)
    return 0;
  struct socket_event event = {.result = ctx->result};
  fill(&event.head, KIND_ACCEPT, mark);
  if (bpf_probe_read_user(&length, sizeof(length), (void *)call->args[2]))
    dropped(UNREADABLE);
  length &= SOCKADDR_SIZE - 1;
  event.length = length;
  bpf_probe_read_user(event.address, length, (void *)call->args[1]);
  event.net = end_of(ctx->result, &event.local);
  emit_socket(&event);
  return 0;
}

#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define TCP_LISTEN 10

static __always_inline void told_by_state(struct mark *mark, u32 kind, s32 result, struct inet_address *address) {
  struct socket_event event = {.result = result, .length = sizeof(*address), .verified = 1};
  fill(&event.head, kind, mark);
  __builtin_memcpy(event.address, address, sizeof(*address));
  emit_socket(&event);
}

struct state_change { /* inet_sock_set_state, the same since Linux 4.16 */
  u64 common;
  u64 sock;
  s32 old_state;
  s32 new_state;
  u16 sport;
  u16 dport;
  u16 family;
  u16 protocol;
  u8 saddr[4];
  u8 daddr[4];
  u8 saddr_v6[16];
  u8 daddr_v6[16];
};

TRACEPOINT_PROBE(sock, inet_sock_set_state) {
  struct mark *mark;
  u32 tid = bpf_get_current_pid_tgid();
  int listens = args->newstate == TCP_LISTEN;
  if (args->oldstate != TCP_CLOSE || (!listens && args->newstate != TCP_SYN_SENT) || !watched(&mark))
    return 0;
  struct inet_address address = {.family = args->family};
  u64 from = (u64)args, port = listens ? offsetof(struct state_change, sport) : offsetof(struct state_change, dport);
  u64 ipv4 = listens ? offsetof(struct state_change, saddr) : offsetof(struct state_change, daddr);
  u64 ipv6 = listens ? offsetof(struct state_change, saddr_v6) : offsetof(struct state_change, daddr_v6);
  bpf_probe_read_kernel(&address.port, 2, (void *)(from + port));
  address.port = __builtin_bswap16(address.port);
  if (address.family == 2)
    bpf_probe_read_kernel(&address.ipv4, 4, (void *)(from + ipv4));
  else
    bpf_probe_read_kernel(address.ipv6, 16, (void *)(from + ipv6));
  struct address *call = connecting.lookup(&tid);
  if (listens)
    told_by_state(mark, KIND_LISTEN, 0, &address);
  else if (!call)
    told_by_state(mark, KIND_CONNECT, -115, &address);
  else {
    call->verified = 1;
    call->length = sizeof(address);
    __builtin_memcpy(call->data, &address, sizeof(address));
  }
  return 0;
}

ATTACH(on_bind, bind)
int on_bind(struct sys_exit *ctx) {
  struct mark *mark;
  struct call *call;
  if (!watched(&mark) || !(call = arguments_of()))
    return 0;
  struct socket_event event = {.result = ctx->result};
  u32 length = call->args[2] & (SOCKADDR_SIZE - 1);
  event.length = length;
  if (bpf_probe_read_user(event.address, length, (void *)call->args[1]))
    dropped(UNREADABLE);
  fill(&event.head, KIND_BIND, mark);
  emit_socket(&event);
  return 0;
}
