{
  "variables": { "werror%": 0 },
  "targets": [
    {
      "target_name": "pptp_native",
      "sources": ["src/addon.c", "src/arguments.c", "src/coalesce.c", "src/descriptors.c", "src/errors.c", "src/fair.c", "src/gre_filter.c", "src/gre_open.c", "src/gre_receive.c", "src/gre_send.c", "src/offload.c", "src/mppe.c", "src/mppe_batch.c", "src/notify.c", "src/poll.c", "src/privileges.c", "src/sha1.c", "src/segment.c", "src/tun.c"],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags!": ["-std=gnu17"],
      "cflags": ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-fvisibility=hidden"],
      "cflags_c": ["-std=gnu11"],
      "conditions": [["werror==1", { "cflags": ["-Werror"] }]]
    }
  ]
}
