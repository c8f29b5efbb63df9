/* The system's own: see linux/kconfig.h. */
#include_next <linux/if_packet.h>
