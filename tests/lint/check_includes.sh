#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fails on an #include that points up or sideways, or on a third-party header outside its folder.
# usage: check_includes.sh SOURCE_ROOT
set -eu
cd "$1"

# "folder F may include the folders that follow" and "header H may be included by the folders that follow".
table='
folder kedge
folder base       kedge
folder state      kedge base
folder core       kedge base state
folder wire       kedge base state
folder manifest   kedge base state
folder source     kedge base state
folder net        kedge base
folder store      kedge base state net
folder transport  kedge base state net
folder runtime    kedge base state net
folder artifact   kedge base state net
folder scan       kedge base state net
folder reporter   kedge base state net
folder server     kedge base state core wire manifest source net
folder agent      kedge base state core wire net
folder cli        *
folder main       *

header jansson.h        base
header sodium.h         base wire
header openssl/         base
header uthash.h         base
header yaml.h           manifest
header git2.h           source
header git2/            source
header curl/            net
header microhttpd.h     net
header sqlite3.h        store
header libpq-fe.h       store
header mosquitto.h      transport
header archive.h        artifact
header archive_entry.h  artifact
header uv.h             agent
header base/log.h       base server agent cli main
header base/fs.h        base state wire manifest source net store transport runtime artifact scan reporter server agent cli main
'

find include reconciler -name '*.[ch]' | sort | TABLE=$table awk '
BEGIN {
    rows = split(ENVIRON["TABLE"], row, "\n")
    for (i = 1; i <= rows; i++) {
        words = split(row[i], word, " ")
        for (w = 3; w <= words; w++)
            allowed[word[1], word[2], word[w]] = 1
        if (words >= 2)
            known[word[1], word[2]] = 1
    }
}

function folder_of(path,    part, n) {
    n = split(path, part, "/")
    if (part[1] == "include")
        return "kedge"
    return n == 2 ? "main" : part[2]
}

function complain(text) {
    printf "%s:%d: %s\n", file, line, text
    bad++
}

# A header of a library, or one of ours that only some may use: "openssl/" stands for all below it.
function check_header(name, from,    top) {
    top = name
    sub(/\/.*/, "/", top)
    if (!(("header", name) in known))
        name = top
    if (("header", name) in known && !(("header", name, from) in allowed))
        complain("<" name "> is not for " from "/")
}

function check_folder(name, from,    to) {
    if (name !~ /\//)
        return # a neighbour
    to = name
    sub(/\/.*/, "", to)
    if (!(("folder", to) in known))
        complain("unknown folder in \"" name "\"")
    else if (to != from && !(("folder", from, to) in allowed) && !(("folder", from, "*") in allowed))
        complain(from "/ must not include \"" name "\"")
}

{
    file = $0
    files++
    from = folder_of(file)
    if (!(("folder", from) in known)) {
        line = 1
        complain("folder " from "/ is not in the table of check_includes.sh")
        next
    }
    for (line = 1; (getline text < file) > 0; line++) {
        if (text !~ /^[ \t]*#[ \t]*include/)
            continue
        name = text
        sub(/^[^<"]*[<"]/, "", name)
        sub(/[>"].*/, "", name)
        check_header(name, from)
        if (text ~ /include[ \t]*"/)
            check_folder(name, from)
    }
    close(file)
}

END {
    printf "%d files, %d wrong includes\n", files, bad
    exit bad > 0 || files == 0
}'
