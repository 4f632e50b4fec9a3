#!/bin/sh
# Lays out what both images have beside their program: the libraries that the loader asks for,
# certificate authorities, and the user. Names are looked up by the C library alone.
#
#   common.sh FOLDER PROGRAM…
set -eu
folder=$1
shift
mkdir -p "$folder/etc/ssl/certs"
# shellcheck disable=SC2046 # a path a word
cp --parents --dereference \
  $(ldd "$@" | grep --only-matching '/lib[^ ]*' | sort --unique) "$folder"
cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
echo 'hosts: files dns' >"$folder/etc/nsswitch.conf"
echo 'aep:x:10001:10001:aep:/:/sbin/nologin' >"$folder/etc/passwd"
echo 'aep:x:10001:' >"$folder/etc/group"
