/* Datagrams that marked threads send, with the question where they are DNS (ports 53, 5353, 5355).
 *
 * sendto, sendmsg and sendmmsg with an address, and without one on a socket that the same process connected to a DNS
 * port in a marked thread (so does the C library's resolver). Address and payload are read at the return of the call:
 * another thread could have changed them. Of other datagrams only the address is told, never the content.
 * Not caught: DNS over TCP, TLS and HTTPS (the connection is), names that nscd or systemd-resolved look up for the
 * process over a Unix socket, write and writev on a connected socket, more than 8 messages of one sendmmsg.
 * Cost: one look-up for each such call of the host, and the telling of marked ones with an address.
 */
#define PAYLOAD_SIZE 288
#define MAX_MESSAGES 8

struct datagram_event {
  struct head head;
  s32 result;
  u32 operation;
  struct inet_address address;
  u32 length; /* of payload */
  u32 padding;
  char payload[PAYLOAD_SIZE];
};

struct message {
  u64 address;
  u32 address_length;
  u32 padding;
  u64 parts;
  u64 count;
  u64 control[2];
  u32 flags;
  u32 padding_too;
};

struct part {
  u64 data;
  u64 length;
};

BPF_PERCPU_ARRAY(datagram_scratch, struct datagram_event, 1);

static __always_inline int is_dns(u16 port) {
  return port == __builtin_bswap16(53) || port == __builtin_bswap16(5353) || port == __builtin_bswap16(5355);
}

static __always_inline void datagram(struct mark *mark, u32 operation, s64 result, u32 descriptor, u64 address,
                                     u64 data, u64 length) {
  int zero = 0;
  struct datagram_event *event = datagram_scratch.lookup(&zero);
  if (!event)
    return;
  if (address) {
    if (bpf_probe_read_user(&event->address, 24, (void *)address))
      dropped(UNREADABLE);
  } else {
    struct connected key = {.pid = bpf_get_current_pid_tgid() >> 32, .descriptor = descriptor};
    struct inet_address *known = resolvers.lookup(&key);
    if (!known)
      return;
    event->address = *known;
  }
  if (event->address.family != 2 && event->address.family != 10)
    return;
  int asks = is_dns(event->address.port);
  fill(&event->head, asks ? KIND_DNS : KIND_SEND, mark);
  event->result = result;
  event->operation = operation;
  event->length = 0;
  if (!asks) {
    emit_bulk(event, offsetof(struct datagram_event, payload));
    return;
  }
  u32 size = length < PAYLOAD_SIZE ? length : PAYLOAD_SIZE;
  if (bpf_probe_read_user(event->payload, size, (void *)data))
    dropped(UNREADABLE);
  else
    event->length = size;
  u64 whole = offsetof(struct datagram_event, payload) + (event->length & 511);
  emit(event, whole < sizeof(*event) ? whole : sizeof(*event));
}

ATTACH(on_datagram, sendto)
ATTACH(on_datagram, sendmsg)
ATTACH(on_datagram, sendmmsg)
int on_datagram(struct sys_exit *ctx) {
  struct mark *mark;
  struct call *call;
  s64 result = ctx->result;
  if (!marked(&mark) || !(call = arguments_of()))
    return 0;
  int many = ctx->number == __NR_sendmmsg, plain = ctx->number == __NR_sendto;
  u32 operation = plain ? OP_sendto : many ? OP_sendmmsg : OP_sendmsg;
  u64 next = call->args[1];
  for (int i = 0; i < MAX_MESSAGES; i++) {
    struct message message = {.address = call->args[4]};
    struct part part = {.data = call->args[1], .length = call->args[2]};
    if (many ? i >= result : i > 0)
      break;
    if (!plain) {
      if (bpf_probe_read_user(&message, sizeof(message), (void *)next))
        dropped(UNREADABLE);
      bpf_probe_read_user(&part, sizeof(part), (void *)message.parts);
    }
    datagram(mark, operation, result, call->args[0], message.address, part.data, part.length);
    next += sizeof(struct message) + 8;
  }
  return 0;
}
