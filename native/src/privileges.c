/* What this process may do: the user it runs as, and its capabilities (capabilities(7)). */

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "addon.h"

#define MOST_GROUPS 64

static bool get_capabilities(struct __user_cap_data_struct data[2]) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return syscall(SYS_capget, &header, data) == 0;
}

static bool set_capabilities(struct __user_cap_data_struct data[2]) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return syscall(SYS_capset, &header, data) == 0;
}

static uint32_t bit_of(int32_t capability) { return (uint32_t)1 << (capability & 31); }

/* Bits 32 and above are in the second half. */
static bool get_mask(napi_env env, napi_value value, uint32_t mask[2]) {
  int32_t *list = NULL;
  size_t count = 0;
  if (!get_int32s(env, value, "capabilities", &list, &count)) return false;
  mask[0] = mask[1] = 0;
  for (size_t i = 0; i < count; i += 1) {
    if (list[i] < 0 || list[i] > 63) {
      throw_range(env, "a capability must be an integer from 0 to 63");
      return false;
    }
    mask[list[i] >> 5] |= bit_of(list[i]);
  }
  return true;
}

/* Programs that this thread starts keep those of the mask that this thread has. */
static bool raise_ambient(const uint32_t mask[2], uint32_t *raised) {
  struct __user_cap_data_struct data[2] = {{0}};
  if (!get_capabilities(data)) return false;
  for (int half = 0; half < 2; half += 1) data[half].inheritable |= mask[half] & data[half].permitted;
  if (!set_capabilities(data)) return false;
  for (int32_t capability = 0; capability < 64; capability += 1) {
    if ((mask[capability >> 5] & data[capability >> 5].permitted & bit_of(capability)) == 0) continue;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return false;
    *raised += 1;
  }
  return true;
}

static napi_value fail(napi_env env, const char *what) {
  throw_errno(env, errno, what);
  return NULL;
}

napi_value raise_ambient_capabilities(napi_env env, napi_callback_info info) {
  napi_value argument;
  uint32_t mask[2];
  uint32_t raised = 0;
  if (!get_arguments(env, info, 1, &argument) || !get_mask(env, argument, mask)) return NULL;
  if (!raise_ambient(mask, &raised)) return fail(env, "raising ambient capabilities");
  napi_value result = NULL;
  if (napi_create_uint32(env, raised, &result) != napi_ok) return NULL;
  return result;
}

/*
 * The C library changes the user of all threads; capabilities are each thread's own, so only the calling one keeps some,
 * and the others, which do file work only, are left with none.
 */
napi_value become_user(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  int32_t uid = 0;
  int32_t gid = 0;
  int32_t *more = NULL;
  size_t more_count = 0;
  uint32_t mask[2];
  if (!get_arguments(env, info, 4, arguments) || !get_count(env, arguments[0], "uid", &uid) ||
      !get_count(env, arguments[1], "gid", &gid) ||
      !get_int32s(env, arguments[2], "groups", &more, &more_count) || !get_mask(env, arguments[3], mask)) {
    return NULL;
  }
  gid_t groups[MOST_GROUPS];
  if (uid == 0 || more_count > MOST_GROUPS) {
    throw_range(env, uid == 0 ? "uid must not be that of root" : "there are too many groups");
    return NULL;
  }
  for (size_t i = 0; i < more_count; i += 1) groups[i] = (gid_t)more[i];
  /* Needs CAP_SETPCAP, which a container may lack: what is not there to be dropped is no danger then. */
  for (int32_t capability = 0; capability < 64; capability += 1) {
    if ((mask[capability >> 5] & bit_of(capability)) != 0) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL && errno != EPERM) {
      return fail(env, "dropping capabilities of programs");
    }
  }
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return fail(env, "keeping capabilities");
  if (setgroups(more_count, groups) != 0) return fail(env, "setgroups");
  if (setgid((gid_t)gid) != 0) return fail(env, "setgid");
  if (setuid((uid_t)uid) != 0) return fail(env, "setuid");
  struct __user_cap_data_struct data[2] = {{0}};
  if (!get_capabilities(data)) return fail(env, "reading capabilities");
  for (int half = 0; half < 2; half += 1) {
    const uint32_t kept = mask[half] & data[half].permitted;
    data[half].effective = data[half].permitted = data[half].inheritable = kept;
  }
  if (!set_capabilities(data)) return fail(env, "dropping capabilities");
  uint32_t raised = 0;
  if (!raise_ambient(mask, &raised)) return fail(env, "raising ambient capabilities");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(env, "no_new_privs");
  return NULL;
}
