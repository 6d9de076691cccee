#!/bin/bash
# Makes the certificates of this folder anew, with the openssl command. They are for tests only: the keys are public.
#   ca.pem          our authority, with crl.pem
#   server.*        gateway.example, for servers
#   bare.*          gateway.example, for any purpose: no extended key usage
#   alice.*         alice, for clients; also alice@example.com and the UPN alice@corp.example
#   revoked.*       carol, on the revocation list
#   expired.*       dave, whose time was over in 2021
#   stranger.*      alice again, but of another authority (stranger-ca.pem)
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/openssl.cnf" <<END
[ca]
default_ca = test
[test]
dir = $work
database = $work/index.txt
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
crlnumber = $work/crlnumber
[any]
organizationName = optional
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:gateway.example
[bare]
basicConstraints = CA:FALSE
subjectAltName = DNS:gateway.example
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
[alice]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
subjectAltName = email:alice@example.com, otherName:msUPN;UTF8:alice@corp.example
[req]
distinguished_name = nothing
[nothing]
END
: >"$work/index.txt"; echo 1000 >"$work/serial"; echo 01 >"$work/crlnumber"
export OPENSSL_CONF="$work/openssl.cnf"
from=20200101000000Z to=21200101000000Z

key() { openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" 2>/dev/null || openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" 2>/dev/null; }
authority() { # file, common name
  key "$work/$1.key"
  openssl req -new -key "$work/$1.key" -subj "/O=Example/CN=$2" -out "$work/$1.csr"
  openssl ca -batch -notext -selfsign -keyfile "$work/$1.key" -in "$work/$1.csr" -out "$1.pem" -extensions authority -startdate $from -enddate $to 2>/dev/null
}
leaf() { # file, common name, extensions, authority, end
  key "$1.key"
  openssl req -new -key "$1.key" -subj "/O=Example/CN=$2" -out "$work/$1.csr"
  openssl ca -batch -notext -cert "$4.pem" -keyfile "$work/$4.key" -in "$work/$1.csr" -out "$1.pem" -extensions "$3" -startdate $from -enddate "$5" 2>/dev/null
}
authority ca 'Test Authority'
authority stranger-ca 'Another Authority'
leaf server gateway.example server ca $to
leaf bare gateway.example bare ca $to
leaf alice alice alice ca $to
leaf expired dave client ca 20210101000000Z
leaf stranger alice alice stranger-ca $to
leaf revoked carol client ca $to
openssl ca -revoke revoked.pem -cert ca.pem -keyfile "$work/ca.key" 2>/dev/null
openssl ca -gencrl -cert ca.pem -keyfile "$work/ca.key" -crl_lastupdate $from -crl_nextupdate $to -out crl.pem 2>/dev/null
