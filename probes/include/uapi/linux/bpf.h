/* BCC brings its own copy of this header first; the system's serves where it does not. */
#ifndef _UAPI__LINUX_BPF_H__
#include_next <linux/bpf.h>
#endif
