/* What watched threads have io_uring do for them: work that no system call tracing sees.
 *
 * One event for each submission that would otherwise have been a call worth telling (open, connect, send, unlink, ...);
 * reads, writes, polls and timeouts are left out, as they are among the system calls. Its arguments lie in memory that
 * the program shares with the kernel and are not read; of a connect the address is told by sockets.c, from the
 * socket's state. With a submission thread (SQPOLL) the mark is the one that stood when the ring was made.
 * Not caught: the result. Cost: two look-ups for each submission of the host.
 */
#define WORTH_TELLING                                                                                           \
  (1ULL << 9 | 1ULL << 13 | 1ULL << 16 | 1ULL << 18 | 1ULL << 26 | 1ULL << 28 | 1ULL << 35 | 1ULL << 36 | 1ULL << 37 | \
   1ULL << 38 | 1ULL << 39 | 1ULL << 41 | 1ULL << 42 | 1ULL << 45 | 1ULL << 46 | 1ULL << 47 | 1ULL << 48 | 1ULL << 55 | \
   1ULL << 56 | 1ULL << 57)

#ifdef HAS_IO_URING
TRACEPOINT_PROBE(io_uring, io_uring_submit_req) {
  struct mark *mark;
  u32 opcode = args->opcode;
  if (opcode > 63 || !(WORTH_TELLING >> opcode & 1) || !watched(&mark))
    return 0;
  tell(mark, KIND_IO_URING, opcode, 0, args->sq_thread, 0);
  return 0;
}
#endif
