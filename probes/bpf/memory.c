/* Code without a file: memfd_create, and memory of no file that is made executable, by watched processes.
 *
 * What is executed from a memfd is told by the exec itself (process.c: a file without a name on disk).
 * Not caught: code written into a file that is then mapped, memory that was executable before the process was
 * registered (a fork inherits it), personality(READ_IMPLIES_EXEC), and mprotect of a file's mapping looks the same as
 * that of anonymous memory. A just-in-time compiler does the same as an attacker here.
 * Cost: two look-ups for each mmap and mprotect of the host.
 */
#define MEMORY \
  CALL(memfd_create, KIND_MEMFD, watched, ALWAYS, 0, NONE_SUCH, 1, NONE_SUCH, NONE_SUCH) \
  CALL(mmap, KIND_EXECUTABLE_MEMORY, watched, ANONYMOUS, NONE_SUCH, NONE_SUCH, 1, 2, NONE_SUCH) \
  CALL(mprotect, KIND_EXECUTABLE_MEMORY, watched, EXECUTABLE, NONE_SUCH, NONE_SUCH, 1, 2, NONE_SUCH) \
  CALL(pkey_mprotect, KIND_EXECUTABLE_MEMORY, watched, EXECUTABLE, NONE_SUCH, NONE_SUCH, 1, 2, NONE_SUCH)
