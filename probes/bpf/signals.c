/* Signals that marked threads send to others, as the kernel sends them on.
 *
 * From signal_generate: the target's pid is the host's, whatever the sender's namespace. One event for each process that
 * a kill of a group reaches. Not caught: signal 0 (it asks, and sends nothing), what the kernel sends by itself (SIGCHLD,
 * SIGPIPE, faults), signals from unmarked threads. Cost: one comparison for each signal of the host.
 */
TRACEPOINT_PROBE(signal, signal_generate) {
  struct mark *mark;
  if (args->code > 0 || !marked(&mark))
    return 0;
  tell(mark, KIND_SIGNAL, OP_signal, 0, args->pid, args->sig);
  return 0;
}
