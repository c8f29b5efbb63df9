/* Loads for the kernel side, which know exactly what they have done: bench/workloads.py says what each one is.
 *
 *     kernel_load KIND COUNT WORKERS [RATE]    prints the nanoseconds of one, on average
 *
 * COUNT for each worker; RATE, too, a second (else as fast as it goes).
 *
 * Linked statically, so that a program that is run opens nothing by itself.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *self;
static int zero, nowhere, listener, sender;
static struct sockaddr_in server, resolver;
static const unsigned char question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04load\x04test\x00\x00\x01\x00\x01";

static void must(int true, const char *what) {
  if (true)
    return;
  perror(what);
  exit(1);
}

static void an_open(void) {
  int file = open("/proc/uptime", O_RDONLY);
  must(file >= 0, "open");
  close(file);
}

/* What a program does that works with files: 16 calls, one of them an open. */
static void calls(void) {
  char byte;
  struct stat found;
  for (int i = 0; i < 5; i++)
    must(read(zero, &byte, 1) == 1 && write(nowhere, &byte, 1) == 1, "read");
  void *memory = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(memory, 4096);
  must(!fstat(zero, &found) && lseek(zero, 0, SEEK_SET) == 0, "fstat");
  an_open();
}

static void fork_one(void) {
  pid_t child = fork();
  must(child >= 0, "fork");
  if (!child)
    _exit(0);
  waitpid(child, 0, 0);
}

static void program(void) {
  char *const words[] = {(char *)self, "nothing", "1", "1", 0}, *const environment[] = {0};
  pid_t child = vfork();
  must(child >= 0, "vfork");
  if (!child) {
    execve(self, words, environment);
    _exit(127);
  }
  int status;
  must(waitpid(child, &status, 0) == child && !status, "program");
}

static void *serve(void *count) {
  for (long i = 0; i < (long)count; i++) {
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    int one = accept(listener, (struct sockaddr *)&peer, &length);
    must(one >= 0, "accept");
    close(one);
  }
  return 0;
}

/* Closed by a reset: the port is free again at once. */
static void connection(void) {
  struct linger now = {1, 0};
  int one = socket(AF_INET, SOCK_STREAM, 0);
  must(!connect(one, (struct sockaddr *)&server, sizeof(server)), "connect");
  char byte;
  read(one, &byte, 1); /* until the other side has it */
  setsockopt(one, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close(one);
}

static void datagram(void) {
  must(sendto(sender, question, sizeof(question) - 1, 0, (struct sockaddr *)&server, sizeof(server)) > 0, "sendto");
}

static void dns(void) {
  must(sendto(sender, question, sizeof(question) - 1, 0, (struct sockaddr *)&resolver, sizeof(resolver)) > 0, "sendto");
}

static void nothing(void) {}

static const struct {
  const char *name;
  void (*work)(void);
} kinds[] = {
    {"opens", an_open},      {"calls", calls},         {"forks", fork_one}, {"programs", program},
    {"connections", connection}, {"datagrams", datagram}, {"dns", dns},        {"nothing", nothing},
};

static void prepare(void) {
  socklen_t length = sizeof(server);
  zero = open("/dev/zero", O_RDONLY);
  nowhere = open("/dev/null", O_WRONLY);
  server.sin_family = resolver.sin_family = AF_INET;
  server.sin_addr.s_addr = resolver.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  resolver.sin_port = htons(53);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  sender = socket(AF_INET, SOCK_DGRAM, 0);
  must(!bind(listener, (struct sockaddr *)&server, sizeof(server)) && !listen(listener, 128), "listen");
  getsockname(listener, (struct sockaddr *)&server, &length);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static void run(void (*work)(void), long count, double rate) {
  pthread_t thread;
  double begin = seconds();
  if (work == connection)
    pthread_create(&thread, 0, serve, (void *)count);
  for (long i = 0; i < count; i++) {
    while (rate && i > (seconds() - begin) * rate)
      usleep(1000);
    work();
  }
  if (work == connection)
    pthread_join(thread, 0);
}

static void run_workers(void (*work)(void), long count, int workers, double rate) {
  for (int i = 0; i < workers; i++)
    if (!fork()) {
      prepare();
      run(work, count, rate);
      _exit(0);
    }
  int status;
  while (wait(&status) > 0)
    must(!status, "a worker's end");
}

int main(int argc, char **argv) {
  void (*work)(void) = 0;
  self = argv[0];
  for (unsigned i = 0; argc > 3 && i < sizeof(kinds) / sizeof(*kinds); i++)
    if (!strcmp(kinds[i].name, argv[1]))
      work = kinds[i].work;
  if (!work)
    return 2;
  if (work == nothing)
    return 0;
  long count = atol(argv[2]);
  double begin = seconds();
  run_workers(work, count, atoi(argv[3]), argc > 4 ? atof(argv[4]) : 0);
  printf("%.0f\n", count ? (seconds() - begin) * 1e9 / count : 0);
  return 0;
}
