/* What the kernel knows of the current task, read from its own structures.
 *
 * The offsets come from the running kernel's type information (probes/btf.py); a kernel that publishes none, or lacks
 * one of the fields, gives no HAS_TASK, and all of this says "not known".
 * Cost: two reads for each event, five or six for a descriptor.
 */
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define LOGIN_UNSET 0xffffffff

struct inet_address { /* the beginning of struct sockaddr_in6, or of sockaddr_in */
  u16 family;
  u16 port;
  u32 ipv4; /* sockaddr_in6 has its flow here */
  u8 ipv6[16];
  u64 padding;
};

#ifdef HAS_TASK
static __always_inline u64 word_at(u64 address) {
  u64 value = 0;
  bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
  return value;
}

static __always_inline u32 half_at(u64 address) {
  u32 value = 0;
  bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
  return value;
}

static __always_inline u64 process_start(void) {
  return word_at(word_at(bpf_get_current_task() + TASK_GROUP_LEADER) + TASK_START_BOOTTIME);
}

static __always_inline u32 login_uid(void) { return half_at(bpf_get_current_task() + TASK_LOGINUID); }

static __always_inline u32 parent_of(void) {
  return half_at(word_at(bpf_get_current_task() + TASK_REAL_PARENT) + TASK_TGID);
}

static __always_inline u64 file_of(u32 descriptor) {
  u64 table = word_at(word_at(bpf_get_current_task() + TASK_FILES) + FILES_STRUCT_FDT);
  if (!table || descriptor >= half_at(table + FDTABLE_MAX_FDS))
    return 0;
  return word_at(word_at(table + FDTABLE_FD) + descriptor * 8);
}

/* The kernel's struct sock of a descriptor; 0 where that is no socket. */
static __always_inline u64 sock_of(u32 descriptor) {
  u64 file = file_of(descriptor);
  if (!file || (half_at(word_at(file + FILE_F_INODE) + INODE_I_MODE) & S_IFMT) != S_IFSOCK)
    return 0;
  return word_at(word_at(file + FILE_PRIVATE_DATA) + SOCKET_SK);
}

/* The family of a socket and, of a connected one, the other end. */
static __always_inline void other_end(u64 sock, struct inet_address *address) {
  address->family = half_at(sock + SOCK_COMMON_SKC_FAMILY);
  address->port = half_at(sock + SOCK_COMMON_SKC_DPORT);
  if (address->family == 2)
    address->ipv4 = half_at(sock + SOCK_COMMON_SKC_DADDR);
  if (address->family == 10)
    bpf_probe_read_kernel(address->ipv6, 16, (void *)(sock + SOCK_COMMON_SKC_V6_DADDR));
}

/* Whether the descriptor is a socket; `address` as above. */
static __always_inline int socket_of(u32 descriptor, struct inet_address *address) {
  u64 sock = sock_of(descriptor);
  if (!sock)
    return 0;
  other_end(sock, address);
  return 1;
}

/* The file that the process executes, by its last name on disk. */
static __always_inline void program_name(char *name, u32 size) {
  u64 file = word_at(word_at(bpf_get_current_task() + TASK_MM) + MM_EXE_FILE);
  bpf_probe_read_kernel_str(name, size, (void *)word_at(word_at(file + FILE_DENTRY) + DENTRY_NAME));
}
#else
static __always_inline void program_name(char *name, u32 size) {}
static __always_inline u64 process_start(void) { return 0; }
static __always_inline u32 login_uid(void) { return LOGIN_UNSET; }
static __always_inline u32 parent_of(void) { return 0; }
static __always_inline int socket_of(u32 descriptor, struct inet_address *address) { return 0; }
#endif

#ifdef HAS_ENDS
/* The own end of a socket; the number of its network namespace, in which addresses mean something. */
static __always_inline u32 own_end(u64 sock, struct inet_address *address) {
  address->family = half_at(sock + SOCK_COMMON_SKC_FAMILY);
  address->port = __builtin_bswap16(half_at(sock + SOCK_COMMON_SKC_NUM));
  if (address->family == 2)
    address->ipv4 = half_at(sock + SOCK_COMMON_SKC_RCV_SADDR);
  if (address->family == 10)
    bpf_probe_read_kernel(address->ipv6, 16, (void *)(sock + SOCK_COMMON_SKC_V6_RCV_SADDR));
  return half_at(word_at(sock + SOCK_COMMON_SKC_NET) + NET_INUM);
}
#endif
