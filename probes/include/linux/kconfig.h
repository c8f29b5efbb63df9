/* Stands in for the kernel's own header tree, which BCC wants and these programs do not need: they touch no kernel
 * structure, only tracepoint arguments and helpers. */
#ifndef COWITNESS_KCONFIG_H
#define COWITNESS_KCONFIG_H

#define CONFIG_BPF_SYSCALL 1
#define CONFIG_64BIT 1

#include <linux/stddef.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

typedef _Bool bool;
#define true 1
#define false 0
#ifndef NULL
#define NULL ((void *)0)
#endif

typedef unsigned long uintptr_t;
typedef unsigned long size_t;
typedef long ssize_t;
typedef long off_t;
typedef long long loff_t;
typedef int pid_t;
typedef unsigned int uid_t;
typedef unsigned int gid_t;
typedef unsigned int qid_t;
typedef unsigned short umode_t;
typedef int key_serial_t;
typedef int mqd_t;
typedef int timer_t;
typedef int clockid_t;
typedef unsigned long sigset_t_stub;
typedef __u32 dev_t;
typedef unsigned int gfp_t;

#define PAGE_SIZE 4096
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

#endif
