/* Changes of user, group and capabilities, by watched processes.
 *
 * The numbers are what was asked for (-1: unchanged); the event's own user is the real one after the call. Not caught:
 * what an exec of a set-user-id file changes (the user of the events before and after tells), setfsuid, keyrings,
 * namespaces (system.c). glibc repeats a call in every thread: each is told. Cost: nothing to speak of.
 */
#define CREDENTIALS \
  CALL(setuid, KIND_CREDENTIALS, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, NONE_SUCH, NONE_SUCH) \
  CALL(setgid, KIND_CREDENTIALS, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, NONE_SUCH, NONE_SUCH) \
  CALL(setreuid, KIND_CREDENTIALS, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, 1, NONE_SUCH) \
  CALL(setregid, KIND_CREDENTIALS, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, 1, NONE_SUCH) \
  CALL(setresuid, KIND_CREDENTIALS, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, 1, 2) \
  CALL(setresgid, KIND_CREDENTIALS, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, 1, 2) \
  CALL(setgroups, KIND_CREDENTIALS, watched, ALWAYS, NONE_SUCH, NONE_SUCH, 0, NONE_SUCH, NONE_SUCH) \
  CALL(capset, KIND_CREDENTIALS, watched, CAPABILITIES, NONE_SUCH, NONE_SUCH, NONE_SUCH, NONE_SUCH, NONE_SUCH)
