/* A connect through io_uring, with nothing but its three system calls. For tests. */
#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int uring_connect(int client, int port) {
  struct io_uring_params params;
  memset(&params, 0, sizeof(params));
  int ring = syscall(SYS_io_uring_setup, 4, &params);
  if (ring < 0)
    return -38;
  size_t size = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  char *queue = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
  struct io_uring_sqe *entries = mmap(0, params.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
  if (queue == MAP_FAILED || entries == MAP_FAILED)
    return -1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  memset(entries, 0, sizeof(*entries));
  entries->opcode = IORING_OP_CONNECT;
  entries->fd = client;
  entries->addr = (unsigned long)&address;
  entries->off = sizeof(address);
  *(unsigned *)(queue + params.sq_off.array) = 0;
  __atomic_store_n((unsigned *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
  int done = syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
  close(ring);
  return done == 1 ? 0 : -1;
}
