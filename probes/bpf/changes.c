/* Files deleted, renamed, linked, cut, and given other rights and owners, by marked threads.
 *
 * Paths are as the program gave them (relative ones stay so), read at the return; another thread could have changed
 * them. Not caught: changes of times and extended attributes, io_uring (told as such by io_uring.c). Writing and
 * creating are seen as opens with their flags. Cost: see calls.h; these calls are rare.
 */
#define CHANGES \
  CALL(unlink, KIND_DELETE, marked, ALWAYS, 0, NONE_SUCH, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(unlinkat, KIND_DELETE, marked, ALWAYS, 1, NONE_SUCH, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(rmdir, KIND_DELETE, marked, ALWAYS, 0, NONE_SUCH, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(rename, KIND_RENAME, marked, ALWAYS, 0, 1, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(renameat, KIND_RENAME, marked, ALWAYS, 1, 3, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(renameat2, KIND_RENAME, marked, ALWAYS, 1, 3, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(link, KIND_LINK, marked, ALWAYS, 0, 1, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(linkat, KIND_LINK, marked, ALWAYS, 1, 3, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(symlink, KIND_LINK, marked, ALWAYS, 0, 1, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(symlinkat, KIND_LINK, marked, ALWAYS, 0, 2, NONE_SUCH, NONE_SUCH, NONE_SUCH) \
  CALL(chmod, KIND_CHMOD, marked, ALWAYS, 0, NONE_SUCH, 1, NONE_SUCH, NONE_SUCH) \
  CALL(fchmod, KIND_CHMOD, marked, ALWAYS, NONE_SUCH, NONE_SUCH, 1, 0, NONE_SUCH) \
  CALL(fchmodat, KIND_CHMOD, marked, ALWAYS, 1, NONE_SUCH, 2, NONE_SUCH, NONE_SUCH) \
  CALL(fchmodat2, KIND_CHMOD, marked, ALWAYS, 1, NONE_SUCH, 2, NONE_SUCH, NONE_SUCH) \
  CALL(chown, KIND_CHOWN, marked, ALWAYS, 0, NONE_SUCH, 1, 2, NONE_SUCH) \
  CALL(lchown, KIND_CHOWN, marked, ALWAYS, 0, NONE_SUCH, 1, 2, NONE_SUCH) \
  CALL(fchown, KIND_CHOWN, marked, ALWAYS, NONE_SUCH, NONE_SUCH, 1, 2, 0) \
  CALL(fchownat, KIND_CHOWN, marked, ALWAYS, 1, NONE_SUCH, 2, 3, NONE_SUCH) \
  CALL(truncate, KIND_TRUNCATE, marked, ALWAYS, 0, NONE_SUCH, 1, NONE_SUCH, NONE_SUCH) \
  CALL(ftruncate, KIND_TRUNCATE, marked, ALWAYS, NONE_SUCH, NONE_SUCH, 1, 0, NONE_SUCH)
