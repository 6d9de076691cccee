# Sourced by the scripts in the guest.
# shellcheck shell=bash

# One word for pppd's option and secrets files, whatever the text holds.
word() { local text=${1//\\/\\\\}; printf '"%s"' "${text//\"/\\\"}"; }
