/* Empty on purpose: see linux/kconfig.h. */
