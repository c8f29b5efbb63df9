/* A socket put onto standard input, output or error by a watched process: the making of a reverse shell.
 *
 * What stands on the descriptor is read from the kernel's own table after the call, with the socket's other end.
 * Not caught here: fcntl(F_DUPFD), a socket that is opened while 0, 1 or 2 is free, descriptors that are passed; but
 * every exec says which of the three are sockets then (process.c), however they came there.
 * Cost: two look-ups for each dup of the host.
 */
struct stream_event {
  struct head head;
  s32 descriptor;
  u32 operation;
  struct inet_address address;
};

ATTACH(on_dup, dup)
ATTACH(on_dup, dup2)
ATTACH(on_dup, dup3)
int on_dup(struct sys_exit *ctx) {
  struct mark *mark;
  struct stream_event event = {.descriptor = ctx->result};
  if (ctx->result < 0 || ctx->result > 2 || !watched(&mark) || !socket_of(ctx->result, &event.address))
    return 0;
  event.operation = ctx->number == __NR_dup ? OP_dup : ctx->number == __NR_dup3 ? OP_dup3 : OP_dup2;
  fill(&event.head, KIND_STREAM, mark);
  emit(&event, sizeof(event));
  return 0;
}
