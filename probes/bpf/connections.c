/* Policies over connections: connect, and datagrams sent without one, IPv4 and IPv6, TCP and UDP.
 *
 * cgroup programs at the root of the unified hierarchy: the call fails with EPERM and the process goes on. They see the
 * kernel's copy of the address: nobody can change it any more; io_uring and TCP fast open pass here as well. They are
 * attached while a policy wants them (probes/enforcement.py). The longest prefix in `networks` decides.
 * Not caught: raw sockets, other protocols than IP, connections that stood before, what a proxy on an allowed address
 * does for the process; names are not known here, only addresses.
 * Cost: one look-up for each connect and each unconnected datagram of the host, while they are attached.
 */
#define IPV4_FAMILY 2
#define IPV6_FAMILY 10
#define NETWORK_BITS 160 /* of policy and address */

enum network { ALLOW = 1, DENY, DNS_ONLY };

struct network_key {
  u32 prefix; /* bits of what follows */
  u32 policy;
  u8 address[16]; /* IPv4 as ::ffff:a.b.c.d */
};

BPF_LPM_TRIE(networks, struct network_key, u32, MAX_NETWORKS);

static __always_inline int may_connect(struct policy *policy, struct network_key *key, u16 port) {
  u32 *found = networks.lookup(key);
  u32 rule = found ? *found : policy->connect == ANY ? ALLOW : DENY;
  return rule == ALLOW || (rule == DNS_ONLY && port == __builtin_bswap16(53));
}

/* `parts`: the address as four words, IPv4 in the last. 1: go on, 0: EPERM. */
static __always_inline int judge_connection(u32 operation, u32 family, u32 *parts, u16 port) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tgid = pid_tgid >> 32, tid = pid_tgid;
  u32 number;
  struct policy *policy = policy_of(tgid, &number);
  if (!policy)
    return 1;
  struct mark *mark = marks.lookup(&tid);
  u32 mode = mode_of(policy, mark);
  struct network_key key = {.prefix = NETWORK_BITS, .policy = number};
  __builtin_memcpy(key.address, parts, 16);
  if (mode == OFF || may_connect(policy, &key, port))
    return 1;
  struct decision_event *event = decision(mark, number, operation);
  if (event) {
    event->enforced = mode == ENFORCE;
    event->address.family = family;
    event->address.port = port;
    event->address.ipv4 = family == IPV4_FAMILY ? parts[3] : 0;
    __builtin_memcpy(event->address.ipv6, parts, 16);
    emit(event, sizeof(*event));
  }
  return mode != ENFORCE;
}

static __always_inline int judge4(struct bpf_sock_addr *ctx, u32 operation) {
  u32 parts[4] = {0, 0, __builtin_bswap32(0xffff), ctx->user_ip4};
  return judge_connection(operation, IPV4_FAMILY, parts, ctx->user_port);
}

static __always_inline int judge6(struct bpf_sock_addr *ctx, u32 operation) {
  u32 parts[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};
  return judge_connection(operation, IPV6_FAMILY, parts, ctx->user_port);
}

int on_connect4(struct bpf_sock_addr *ctx) { return judge4(ctx, OP_connect); }

int on_connect6(struct bpf_sock_addr *ctx) { return judge6(ctx, OP_connect); }

int on_sendmsg4(struct bpf_sock_addr *ctx) { return judge4(ctx, OP_sendmsg); }

int on_sendmsg6(struct bpf_sock_addr *ctx) { return judge6(ctx, OP_sendmsg); }
