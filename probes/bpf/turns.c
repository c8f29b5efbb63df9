/* Turns on connections: which request a process was at when it sent on a TCP connection that it had made.
 *
 * A turn begins with the first send, and with the first one after anything came back: a request of HTTP/1, a statement
 * to a database. The first two turns of a connection are told, whoever takes them, and then each that another request
 * takes (or none) than the one before: a kept connection serves many requests. The event is made at the entry of the
 * call, so that it is older than whatever the other side does with what was sent. A thread that serves requests by
 * turns (marks.c) gives no request.
 * Not caught: write, writev and sendfile (TLS by OpenSSL), io_uring, descriptors that were duplicated or handed on.
 * Cost: one look-up for each sendto and sendmsg of the host; on such a connection six reads, 0.3 µs.
 */
#ifdef HAS_ENDS
struct turn_event {
  struct head head;
  u32 turn; /* from 1; those that are not told count, too */
  u32 net;
  struct inet_address address;
  struct inet_address local;
};

static __always_inline int on_sent(u32 descriptor) {
  u64 pid_tgid = bpf_get_current_pid_tgid();
  u32 tid = pid_tgid;
  struct connected key = {.pid = pid_tgid >> 32, .descriptor = descriptor};
  struct made *made = connections_made.lookup(&key);
  if (!made)
    return 0;
  u64 sock = sock_of(descriptor);
  if (!sock || (half_at(sock + SOCK_COMMON_SKC_NUM) & 0xffff) != made->port) { /* the number is another socket's now */
    connections_made.delete(&key);
    return 0;
  }
  u64 received = word_at(sock + TCP_SOCK_BYTES_RECEIVED);
  if (made->turns && received == made->received)
    return 0;
  struct marking *marking = markings.lookup(&tid);
  struct mark *mark = marking && marking->by_turns ? 0 : marks.lookup(&tid);
  u64 request_id = mark ? mark->request_id : 0;
  made->received = received;
  made->turns++;
  if (made->turns > 2 && request_id == made->request_id)
    return 0;
  made->request_id = request_id;
  struct turn_event event = {.turn = made->turns};
  event.net = own_end(sock, &event.local);
  other_end(sock, &event.address);
  fill(&event.head, KIND_TURN, mark);
  emit(&event, sizeof(event));
  return 0;
}

TRACEPOINT_PROBE(syscalls, sys_enter_sendto) { return args->addr ? 0 : on_sent(args->fd); }

TRACEPOINT_PROBE(syscalls, sys_enter_sendmsg) { return on_sent(args->fd); }
#endif
