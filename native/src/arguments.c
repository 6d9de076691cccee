#include <stdio.h>

#include "addon.h"

static void throw_expected(napi_env env, const char *name, const char *kind) {
  char message[128];
  snprintf(message, sizeof message, "%s must be %s", name, kind);
  throw_type(env, message);
}

bool get_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *values) {
  size_t given = wanted;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok) {
    throw_type(env, "the arguments could not be read");
    return false;
  }
  if (given < wanted) {
    throw_type(env, "too few arguments");
    return false;
  }
  return true;
}

bool get_count(napi_env env, napi_value value, const char *name, int32_t *result) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    throw_expected(env, name, "a number");
    return false;
  }
  /* Written so that NaN fails too. */
  if (!(number >= 0 && number <= INT32_MAX) || number != (double)(int32_t)number) {
    char message[128];
    snprintf(message, sizeof message, "%s must be an integer from 0 to %d", name, INT32_MAX);
    throw_range(env, message);
    return false;
  }
  *result = (int32_t)number;
  return true;
}

bool get_uint32(napi_env env, napi_value value, const char *name, uint32_t *result) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    throw_expected(env, name, "a number");
    return false;
  }
  if (!(number >= 0 && number <= UINT32_MAX) || number != (double)(uint32_t)number) {
    char message[128];
    snprintf(message, sizeof message, "%s must be an integer from 0 to %u", name, UINT32_MAX);
    throw_range(env, message);
    return false;
  }
  *result = (uint32_t)number;
  return true;
}

static bool get_elements(napi_env env, napi_value value, napi_typedarray_type wanted, void **data, size_t *length) {
  napi_typedarray_type type;
  bool is_typedarray = false;
  /* Other views are an assertion failure in some releases, not an error status: ask first. */
  if (napi_is_typedarray(env, value, &is_typedarray) != napi_ok || !is_typedarray) return false;
  return napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok && type == wanted;
}

bool get_bytes(napi_env env, napi_value value, const char *name, uint8_t **data, size_t *length) {
  void *elements = NULL;
  if (!get_elements(env, value, napi_uint8_array, &elements, length)) {
    throw_expected(env, name, "a Uint8Array");
    return false;
  }
  *data = elements;
  return true;
}

bool get_int32s(napi_env env, napi_value value, const char *name, int32_t **data, size_t *length) {
  void *elements = NULL;
  if (!get_elements(env, value, napi_int32_array, &elements, length)) {
    throw_expected(env, name, "an Int32Array");
    return false;
  }
  *data = elements;
  return true;
}

bool get_uint32s(napi_env env, napi_value value, const char *name, uint32_t **data, size_t *length) {
  void *elements = NULL;
  if (!get_elements(env, value, napi_uint32_array, &elements, length)) {
    throw_expected(env, name, "a Uint32Array");
    return false;
  }
  *data = elements;
  return true;
}

bool get_flag(napi_env env, napi_value object, const char *name, bool *result) {
  napi_value value;
  if (napi_get_named_property(env, object, name, &value) == napi_ok &&
      napi_get_value_bool(env, value, result) == napi_ok) {
    return true;
  }
  throw_expected(env, name, "a boolean");
  return false;
}
